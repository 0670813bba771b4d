"""One file per image source, all into the same records; none of them checks pixels."""
