"""Power and precision of a design, by simulation."""
