"""Rental applications: filled in on the public site, decided by the office."""
