"""The REST API: other programs read and write, with keys that see the whole office or a part of it."""
