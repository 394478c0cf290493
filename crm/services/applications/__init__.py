"""Applications for a home: filled in on the public site, decided by the office."""
