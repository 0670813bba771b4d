"""From a raw score to a frozen, comparable prediction."""
