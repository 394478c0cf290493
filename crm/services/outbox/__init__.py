"""Outgoing texts and emails, among them notices to the office's own people."""
