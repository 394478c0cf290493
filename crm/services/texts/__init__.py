"""Texts both ways: what becomes of one, and how people write one."""
