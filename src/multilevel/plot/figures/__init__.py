"""The figures, one family per file."""
