"""What comes from outside other than by phone or text, kept as it came before it is read."""
