"""The studies, one in each file."""
