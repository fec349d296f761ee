"""Residuals and the influence of single rows, on arrays."""
