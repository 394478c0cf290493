"""Every kind of page that the public site has, and how to get there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from playwright.async_api import Page

from crm.words.site import LANGUAGES
from tests.browser.office import Site

FIRST = "the first free time"
LATE = "a time that nobody offers"
PAT = {"name": "Pat Smith", "phone": "(512) 555-0170", "message": "Is parking included?"}
_NO_TIME = "2026-03-02T03:00:00+00:00/accompanied"


@dataclass(frozen=True)
class Kind:
    name: str
    path: str
    """In English, with the names of `Site.paths` in braces."""
    status: int = 200
    sent: Mapping[str, str] = field(default_factory=dict)
    """What is written into the page's form before it is sent; empty: the page is only opened."""
    sent_status: int = 200

    def where(self, site: Site, language: str) -> str:
        path = self.path.format(**site.paths)
        if language == next(iter(LANGUAGES)):
            return path
        # The first page of all has no slash behind the language.
        return f"/{language}{path.removeprefix('/') if path[1:2] in ('', '?') else path}"


KINDS = (
    Kind("homes", "/"),
    Kind("further homes", "/?after=2600.00-6"),
    Kind("homes that match", "/?bedrooms=2&up_to=1%2C700&pets=cats&by=2026-06-01"),
    Kind("no home matches", "/?bedrooms=5"),
    Kind("home", "/homes/2"),
    Kind("home of which little is known", "/homes/5"),
    Kind("property", "/properties/elm"),
    Kind("property of which little is known", "/properties/long"),
    Kind("question", "/homes/2/question"),
    Kind("question that lacks everything", "/homes/2/question", 200, {"email": "pat@", "phone": "12"}, 422),
    Kind("question sent", "/homes/5/question", 200, PAT),
    Kind("tour", "/homes/2/tour"),
    Kind("tour without free times", "/homes/5/tour"),
    Kind("tour that lacks everything", "/properties/elm/tour", 200, {"name": ""}, 422),
    Kind("tour at a time just taken", "/homes/2/tour", 200, {**PAT, "at": LATE}, 409),
    Kind("tour booked", "/homes/2/tour", 200, {**PAT, "at": FIRST}),
    Kind("tour that may be moved", "/tours/{tour}"),
    Kind("tour whose link is not ours", "/tours/made-up", 410),
    Kind("contact", "/contact"),
    Kind("contact that lacks everything", "/contact", 200, {"texts": "yes", "name": ""}, 422),
    Kind("contact too late", "/contact", 200, {**PAT, "key": "old"}, 409),
    Kind("application", "/homes/2/apply"),
    Kind("application that lacks everything", "/properties/elm/apply", 200, {"email": "pat@", "phone": "12"}, 422),
    Kind("application's household", "/apply/{begun}/household"),
    Kind("application's homes with mistakes", "/apply/{begun}/homes", 200, {"homes-1-since": "soon"}, 422),
    Kind("application's income", "/apply/{begun}/income"),
    Kind("application's documents", "/apply/{ready}/documents"),
    Kind("application's documents without a file", "/apply/{ready}/documents", 200, {"kind": ""}, 422),
    Kind("application that is not complete", "/apply/{begun}/review"),
    Kind("application that is complete", "/apply/{ready}/review"),
    Kind("application without a signature", "/apply/{ready}/review", 200, {"signature": ""}, 422),
    Kind("application for later", "/apply/{begun}/saved"),
    Kind("application submitted", "/apply/{submitted}"),
    Kind("application's link asked for", "/apply"),
    Kind("application's link without an address", "/apply", 200, {"email": "pat@"}, 422),
    Kind("home that is gone", "/homes/999", 404),
    Kind("no page", "/nothing", 404),
)


async def show(page: Page, site: Site, kind: Kind, language: str) -> None:
    """Opens a page in a browser, and sends its form if the kind says so, without the browser's own checks of it."""
    answer = await page.goto(kind.where(site, language))
    assert answer is not None
    assert answer.status == kind.status
    if not kind.sent:
        return
    async with page.expect_navigation() as sent:
        await page.evaluate(
            """([fields, first, late, noTime]) => {
                const form = document.querySelector("form[method=post]");
                for (const [name, value] of Object.entries(fields)) {
                    const field = form.querySelector(`[name="${name}"]`);
                    if (field.type === "radio" || field.type === "checkbox") field.checked = true;
                    if (value === late) field.value = noTime;
                    else if (field.type !== "radio" && field.type !== "checkbox") field.value = value;
                }
                form.noValidate = true;
                form.requestSubmit();
            }""",
            [dict(kind.sent), FIRST, LATE, _NO_TIME],
        )
    answer = await sent.value
    assert answer is not None
    assert answer.status == kind.sent_status


async def fetch(http: httpx.AsyncClient, site: Site, kind: Kind, language: str) -> str:
    """The same page's HTML as it was sent."""
    path = kind.where(site, language)
    answer = await http.get(path, follow_redirects=True)
    assert answer.status_code == kind.status
    if kind.sent:
        [key, *_] = re.findall('name="key" value="([^"]+)"', answer.text)
        times = {FIRST: next(iter(re.findall('name="at" value="([^"]+)"', answer.text)), ""), LATE: _NO_TIME}
        sent = {name: times.get(value, value) for name, value in kind.sent.items()}
        headers = {"Sec-Fetch-Site": "same-origin"}
        sent = {"key": key, **sent}
        if "multipart/form-data" in answer.text:
            parts = {name: (None, value) for name, value in sent.items()}
            answer = await http.post(path, files=parts, headers=headers)
        else:
            answer = await http.post(path, data=sent, headers=headers)
        assert answer.status_code == kind.sent_status, (kind.name, answer.text)
    return answer.text
