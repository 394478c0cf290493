"""Plain words as the HTML of an email: readable everywhere, with links, and without external content."""

from __future__ import annotations

import html
import re

_LINK = re.compile(r"https?://[^\s<>\"']{3,300}[^\s<>\"'.,;:!?)\]]")


def page(text: str, language: str, *, signature: str = "", footer: str = "") -> str:
    """Nothing in these words is markup; an address in them becomes a link."""
    paragraphs = [f"<p>{_marked(part)}</p>" for part in re.split(r"\n{2,}", text.strip()) if part]
    if signature:
        paragraphs.append(f"<p>{_marked(signature)}</p>")
    if footer:
        paragraphs.append(f'<p style="color:#555;font-size:small">{_marked(footer)}</p>')
    return (
        f'<!DOCTYPE html>\n<html lang="{html.escape(language)}">\n<head><meta charset="utf-8"></head>\n'
        f'<body style="font-family:sans-serif;line-height:1.4;max-width:40em">\n'
        + "\n".join(paragraphs)
        + "\n</body>\n</html>\n"
    )


def _marked(words: str) -> str:
    escaped = html.escape(words, quote=False).replace("\n", "<br>\n")
    return _LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', escaped)
