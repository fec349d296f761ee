"""Small data sets with their provenance, and data sets simulated from a stated model."""

from multilevel.datasets.catalogue import Column, Description, describe, names
from multilevel.datasets.loader import load
from multilevel.datasets.simulate import simulate_multilevel

__all__ = ["Column", "Description", "describe", "load", "names", "simulate_multilevel"]
