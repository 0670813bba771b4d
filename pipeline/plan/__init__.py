"""What is declared before any result is known: the feature sets and the comparison."""
