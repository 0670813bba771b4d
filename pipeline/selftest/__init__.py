"""The pipeline tests itself for leakage: one self-test per file, from its inputs to its light."""
