"""Lines, trunks and phones, and what Asterisk has to know of them."""
