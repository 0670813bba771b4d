"""Predicts new patients through the frozen pipeline of one feature set, kept in a bundle."""
