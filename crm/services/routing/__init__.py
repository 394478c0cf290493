"""Whom a call reaches: what the decision has to know."""
