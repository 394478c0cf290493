"""What is wrong with leaseline.toml."""

from __future__ import annotations


class ConfigError(Exception):
    """leaseline.toml is missing or wrong; the message says which key and what to write instead."""
