"""The command line: ``multilevel demo``, ``multilevel fit``, ``multilevel analyze``."""

from multilevel.cli.app import main

__all__ = ["main"]
