"""Correspondence with leads by email: incoming emails are filed by thread, and the office writes back."""
