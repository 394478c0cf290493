"""The console: the pages and the phone with which people in the office work, on ports.console."""
