"""Tables in, one page out."""
