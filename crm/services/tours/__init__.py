"""Tours: which times are free, booking, and the texts, emails and links about them."""
