"""Thin command lines, one per DVC stage: read, call, write."""
