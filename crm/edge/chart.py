"""Bar charts as PNG files; knows nothing of what the numbers mean."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asterisk_conf.package_sets import cache_folder

COLUMNS = 2
PANEL_INCHES = (6.4, 3.4)
BAR_INCHES = 0.32
"""The least width of a bar with its count; many bars make the picture wider."""
LONGEST_NAME = 18
"""Characters of a group's name that are shown below its bars."""
WIDEST_INCHES = 60.0


class ChartError(Exception):
    """The picture cannot be written; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Bars:
    """One bar for each group."""

    name: str
    """In the legend; empty if there is only one."""
    values: Sequence[float | None]
    """None: no bar."""
    counts: Sequence[str]
    """Labels above the bars."""


@dataclass(frozen=True)
class Panel:
    title: str
    axis: str
    """What the height means, with its unit."""
    bars: Sequence[Bars]
    most: float | None = None
    """Upper end of the axis, such as 100 for percent; None fits it to the values."""


def draw(path: Path, title: str, groups: Sequence[str], axis: str, panels: Sequence[Panel]) -> None:
    """Writes the picture; a file with that name is only replaced once the new one is complete. `axis` says what the
    groups are.

    Raises ChartError.
    """
    if path.suffix.lower() != ".png":
        raise ChartError(f"{path} does not end in .png: name an image file, such as figures.png.")
    if not path.parent.is_dir():
        raise ChartError(f"There is no folder {path.parent}: create it first, or name another file.")
    if path.is_dir():
        raise ChartError(f"{path} is a folder: name a file in it, such as figures.png.")
    try:
        with tempfile.TemporaryDirectory(prefix=".leaseline-chart-", dir=path.parent) as folder:
            drawn = Path(folder) / "chart.png"
            _figure(drawn, title, [_short(name) for name in groups], axis, panels)
            drawn.replace(path)
    except OSError as error:
        raise ChartError(f"{path} cannot be written ({error.strerror or error}): name another file.") from None


def _figure(path: Path, title: str, groups: Sequence[str], axis: str, panels: Sequence[Panel]) -> None:
    # The library searches the machine for fonts once, which takes seconds, and stores the list there.
    os.environ.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))
    # It takes half a second to load, and servers need not have it installed.
    try:
        import matplotlib
    except ImportError:
        raise ChartError("The plotting library is not installed: run `script/setup plots`.") from None
    from matplotlib.figure import Figure

    most_bars = max((len(panel.bars) for panel in panels), default=1)
    width = min(WIDEST_INCHES, max(PANEL_INCHES[0], 1.2 + BAR_INCHES * len(groups) * most_bars))
    rows = -(-len(panels) // COLUMNS)
    # Names come from people: a dollar sign in them must not start a formula.
    with matplotlib.rc_context({"text.parse_math": False, "text.usetex": False, "font.size": 9}):
        figure = Figure(figsize=(width * min(COLUMNS, len(panels)), PANEL_INCHES[1] * rows + 0.5), layout="constrained")
        figure.suptitle(title, fontsize=12)
        for number, panel in enumerate(panels, start=1):
            plot = figure.add_subplot(rows, min(COLUMNS, len(panels)), number)
            _panel(plot, groups, axis, panel)
        figure.savefig(path, format="png")


def _panel(plot: object, groups: Sequence[str], axis: str, panel: Panel) -> None:
    from matplotlib.axes import Axes
    from matplotlib.ticker import MaxNLocator

    assert isinstance(plot, Axes)
    share = 0.8 / len(panel.bars)
    for number, bars in enumerate(panel.bars):
        positions = [at + share * (number - (len(panel.bars) - 1) / 2) for at in range(len(groups))]
        drawn = plot.bar(positions, [value or 0 for value in bars.values], width=share, label=bars.name or None)
        plot.bar_label(drawn, labels=list(bars.counts), padding=2, fontsize=7.5)
    plot.set_title(panel.title, fontsize=10)
    plot.set_ylabel(panel.axis)
    plot.set_xlabel(axis)
    is_crowded = sum(len(name) for name in groups) > 48
    turned: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if is_crowded else {}
    plot.set_xticks(range(len(groups)), list(groups), **turned)
    plot.set_axisbelow(True)
    plot.grid(axis="y", alpha=0.3)
    for side in ("top", "right"):
        plot.spines[side].set_visible(False)
    highest = max((value or 0 for bars in panel.bars for value in bars.values), default=0)
    plot.yaxis.set_major_locator(MaxNLocator(integer=True))
    # Room for the counts above the bars.
    plot.set_ylim(0, (panel.most or highest or 1) * 1.15)
    if len(panel.bars) > 1:
        plot.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, frameon=False)


def _short(name: str) -> str:
    """Shortens a name to what fits, without unprintable characters."""
    shown = "".join(character if character.isprintable() else " " for character in name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"
