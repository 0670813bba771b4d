"""The report page: what it reads, the tables it makes for itself, its figures, its templates."""
