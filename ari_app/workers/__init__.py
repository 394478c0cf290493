"""What looks after all calls at once, beside their flows."""
