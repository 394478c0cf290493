"""What programs of others are told by webhooks."""
