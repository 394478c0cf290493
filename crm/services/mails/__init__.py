"""Emails with leads: what they write is filed by thread, and what people of the office write to them."""
