"""Networks, one file each, and what a network sees of a lesion."""
