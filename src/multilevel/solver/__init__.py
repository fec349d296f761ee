"""Penalised least squares, the profiled criterion and its optimum."""
