"""The tables under `data/`, one file per stage that writes them."""
