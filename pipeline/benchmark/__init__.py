"""Eight classifiers, tuned inside nested cross-validation, scored on held-out patients."""
