"""Predictions and simulated responses, on arrays."""
