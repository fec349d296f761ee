"""Assumptions, residuals and influence at every level, on arrays."""
