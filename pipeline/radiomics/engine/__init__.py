"""The extraction engine: PyRadiomics 3.0.1 feature values from compiled kernels and vectorised formulas."""
