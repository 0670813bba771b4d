"""Features of repeated masks, and how well each feature agrees between them."""
