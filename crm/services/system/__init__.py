"""The home as a whole: its health and check-ups, imports, and setting up an office."""
