"""Which patients train and which are held out, written once."""
