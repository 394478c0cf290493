"""Lines, trunks and phones, and their configuration for Asterisk."""
