"""A call that flows work on, and the phones that ring for it."""
