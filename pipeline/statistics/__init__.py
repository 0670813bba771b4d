"""Statistics, one topic per file; each docstring is the methods section of what it computes."""
