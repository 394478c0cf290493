"""Texts in both directions: handling incoming ones, sending ours."""
