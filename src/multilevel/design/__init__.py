"""Model frame to matrices: response, fixed effects, random-effects terms, weights, offset.

The matrix Z of the random effects is never built; a term is its codes and a few columns.
"""
