"""Reads, one module per noun: each takes an open session and returns models with what is looked at already loaded."""
