"""Who may come in from outside with a key, and see what."""
