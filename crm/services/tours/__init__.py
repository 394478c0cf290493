"""Tours: when they can be had, booking them, and what is said of them."""
