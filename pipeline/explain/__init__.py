"""Examples of right and wrong predictions, and what a network attends to."""
