"""Any data frame in, the same kind out: columns as arrays, grouping codes, missing values.

The only room that knows narwhals.
"""
