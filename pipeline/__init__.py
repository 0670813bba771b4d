"""The library: pure functions and estimators, data in, data out."""
