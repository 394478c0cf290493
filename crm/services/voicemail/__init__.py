"""Messages: whose they are, how they are written down, and how long they are kept."""
