"""Inquiries that arrive other than by phone or text, such as web forms. Each is stored as received before it is
read."""
