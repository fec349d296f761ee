"""The text of a formula to its parts: response, fixed terms, offsets, random-effects terms.

No data here, and no formula engine: lme4's bars are read by hand, everything else is checked and
passed on in formulaic's dialect.
"""
