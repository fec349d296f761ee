"""The native core (built from C++)."""
