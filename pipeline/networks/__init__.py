"""Networks, one file each: each gives a logit and an embedding of every image."""
