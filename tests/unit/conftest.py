"""Settings of all unit tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says more about the machine than about the code.
# Each run tries others, so that half of the usual number finds as much in two runs.
settings.register_profile("leaseline", deadline=None, max_examples=50)
settings.load_profile("leaseline")
