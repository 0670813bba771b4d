"""The report's own tables, one file per table."""
