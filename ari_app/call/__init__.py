"""A call while flows work on it, and the phones that ring for it."""
