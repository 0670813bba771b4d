"""What every CSV holds: one file per stage that writes, the columns and fixed words of its tables."""
