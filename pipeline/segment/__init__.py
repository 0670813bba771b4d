"""Lesion masks, predicted out of fold where none is given, and evaluated where one is."""
