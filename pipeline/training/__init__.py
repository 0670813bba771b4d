"""Training of networks, one topic a file: what they are shown, how they are moved, and what is kept of it."""
