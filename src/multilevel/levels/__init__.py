"""What makes a model multilevel: quantities of each level, on arrays."""
