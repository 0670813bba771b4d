"""Examples of right and wrong predictions, what a network attends to, and what each feature contributes."""
