"""The tables under `reports/tables/`, one file per stage that writes them."""
