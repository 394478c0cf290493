"""Numbers with a lower bound."""

from __future__ import annotations

from typing import Annotated

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
NotNegativeInt = Annotated[int, msgspec.Meta(ge=0)]

LOWEST_PORT, HIGHEST_PORT = 1024, 65226
"""Where a home's block of 300 ports may begin."""
