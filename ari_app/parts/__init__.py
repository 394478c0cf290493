"""The parts of `leaseline serve`, as named by `serve --only`, one file each."""

PARTS = ("calls", "agi", "texts", "mail", "webhooks", "site", "api", "console")
"""The parts of the app, which `serve --only` can run alone."""
GROUPS = {"app": PARTS[:5], "web": PARTS[5:]}
"""What `leaseline up` runs together: what calls and carriers wait for, and the pages, which may take their time."""
VOICE = "voice"
"""The voice agent's ears and mouth, which `serve --only` runs as a process apart, and without it not at all: they need
no database, and nothing else may keep them waiting."""
LOADED_LATER = {"calls": ("crm.edge.voice_activity",)}
"""Modules that a part needs now and then, and that take long to load (NumPy): they are loaded when the app has settled,
neither at its start nor by the first call that leaves a message."""
