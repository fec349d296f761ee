"""The command line: ``multilevel``, ``multilevel demo``, ``multilevel fit``."""

from multilevel.cli.app import main

__all__ = ["main"]
