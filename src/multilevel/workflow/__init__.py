"""The guided analysis: eight steps from a data file to a report."""
