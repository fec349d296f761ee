"""Planning a study: power and precision of a design, by simulation."""
