"""The home as a whole: its health, its check-up, what is set up at once."""
