"""Fits in the form that other packages want; each of these is imported on first use."""
