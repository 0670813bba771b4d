"""One trainer for all networks, one topic per file."""
