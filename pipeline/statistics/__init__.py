"""Statistics, one topic a file; each docstring is the methods section of what it computes."""
