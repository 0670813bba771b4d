"""Reduces each block on the training rows of each resample."""
