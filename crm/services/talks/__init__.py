"""Talks with the voice agent: what may be said in them, read anew for each turn."""
