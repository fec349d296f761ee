"""The objects that users hold: the problem before the fit, and the fit."""
