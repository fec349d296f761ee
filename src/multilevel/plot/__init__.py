"""Figures of data and fits, each with a ``*_data`` twin that returns the numbers drawn."""
