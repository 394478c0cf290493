"""The office: its people, its properties, and when it is open."""
