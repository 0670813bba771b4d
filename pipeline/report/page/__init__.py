"""Words and layout of the page."""
