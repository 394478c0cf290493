"""Webhooks: events reported to other programs."""
