"""The figures of the report as inline SVG, one topic a file: tables in, one described picture out."""
