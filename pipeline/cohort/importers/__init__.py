"""Importers: each reads one kind of source folder into the same records; none of them reads pixels to judge them."""
