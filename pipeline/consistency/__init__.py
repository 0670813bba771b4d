"""Can these printed figures be true: one check per file."""
