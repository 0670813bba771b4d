"""The figures of the report as inline SVG, one figure per file."""
