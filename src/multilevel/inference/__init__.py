"""Tests, intervals, information criteria and variance components from the numbers of a fit."""
