"""The REST API: what programs of others read and write, with keys that see a part of the office or all of it."""
