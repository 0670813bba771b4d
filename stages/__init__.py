"""Thin command lines, one a DVC stage: read, call, write."""
