"""The console's colors can be read by people who see little (WCAG 2.2, AA), in the light and in the dark."""

from __future__ import annotations

import re

import pytest

from crm.web.console.bundling import ISLANDS

pytestmark = pytest.mark.unit

STYLE = (ISLANDS.parent / "templates" / "console" / "style.css").read_text(encoding="utf-8")
COLORS = {
    name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", STYLE)
}
GROUNDS = ("paper", "page", "tint", "good-tint", "warn-tint", "bad-tint", "info-tint")
TEXTS = [
    *((text, ground) for text in ("ink", "soft") for ground in GROUNDS),
    *(("leaf", ground) for ground in ("paper", "page", "tint", "warn-tint")),
    *(("bad", ground) for ground in ("paper", "page", "tint")),
    *((state, f"{state}-tint") for state in ("good", "warn", "bad", "info")),
    ("on-leaf", "leaf"),
    ("on-bad", "bad"),
]
"""Text, and what it is written on."""
MARKS = [
    *(
        (mark, ground)
        for mark in ("edge", "focus", "good", "warn", "bad", "info")
        for ground in ("paper", "page", "tint")
    ),
    ("leaf", "paper"),
]
"""What has to be seen but not read: borders of fields, the focus, states, bars of plots."""


def luminance(color: str) -> float:
    parts = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_text_is_readable(text: str, ground: str, mode: int) -> None:
    assert contrast(COLORS[text][mode], COLORS[ground][mode]) >= 4.5


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("mark", "ground"), MARKS)
def test_marks_are_seen(mark: str, ground: str, mode: int) -> None:
    assert contrast(COLORS[mark][mode], COLORS[ground][mode]) >= 3


def test_each_color_is_a_variable_that_exists() -> None:
    below = STYLE.split("box-sizing", 1)[1]
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", below)) <= {"#fff"}, "a color outside :root has no dark twin"
    defined = set(re.findall(r"--([\w-]+):", STYLE))
    assert set(re.findall(r"var\(--([\w-]+)", STYLE)) <= defined
