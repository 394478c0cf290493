"""The voice agent's ears and mouth: a process of its own, and how the app talks with it."""
