"""Are automatic texts set off far more often than usual, as by somebody who calls with others' numbers? Pure."""

from __future__ import annotations

from datetime import timedelta

USUAL_OVER = timedelta(days=7)
"""The usual rate is the average over this long before."""


def is_spike(recent: int, before: int, window: timedelta, *, least: int, times: float) -> bool:
    """Whether `recent` texts within the last `window` are one, after `before` in `USUAL_OVER`.

    A few are none, however rare they are: that is `least`, and 0 means never. A new office has no week behind it, so it
    is `least` that counts there.
    """
    usual = before * (window / USUAL_OVER)
    return bool(least) and recent >= max(least, times * usual)
