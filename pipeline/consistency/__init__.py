"""The checks of a printed table of results, one idea a file."""
