"""Sound at another rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resampled(sound: NDArray[np.float64], rate: int, wanted: int) -> NDArray[np.float64]:
    """A whole sentence, from `rate` to `wanted` samples a second, by its spectrum."""
    count = round(len(sound) * wanted / rate)
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(count // 2 + 1, dtype=complex)
    most = min(len(spectrum), len(kept))
    kept[:most] = spectrum[:most]
    made: NDArray[np.float64] = np.fft.irfft(kept, count) * (count / max(len(sound), 1))
    return made
