"""Draws the synthetic cohort."""
