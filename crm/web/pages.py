"""HTML pages from templates that escape every value."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    import jinja2


@functools.cache
def _templates() -> jinja2.Environment:
    import jinja2  # Calls come before pages: the first who looks at one waits for it.

    return jinja2.Environment(
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
    return HTMLResponse(_templates().get_template(f"{name}.html.j2").render(values), status, headers=HEADERS)
