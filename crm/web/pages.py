"""HTML pages from templates that escape every value."""

from __future__ import annotations

from pathlib import Path

import jinja2
from starlette.responses import HTMLResponse

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)

# In addition to the headers of every answer: styles are inline, and forms are posted to us.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
}


def page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """Renders a template, e.g. `page("tour", property_name="Elm Street")`."""
    return HTMLResponse(_TEMPLATES.get_template(f"{name}.html.j2").render(values), status, headers=HEADERS)
