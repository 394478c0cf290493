"""Applying for a home in a real browser: all steps, with a file, as a person fills them in."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, ViewportSize, expect
from sqlalchemy import select

from crm.store.models import Application, ApplicationDocument
from crm.words.site import WORDS
from tests.browser.office import Site
from tests.browser.visitor import DESKTOP, PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize(
    ("size", "scripts", "language", "email", "name"),
    # Names that no visitor of another test has: who asked under the same one would be proposed as the same person.
    [
        pytest.param(PHONE, True, "en", "phone@example.com", "Robin Vale", id="phone"),
        pytest.param(
            DESKTOP, False, "es", "desktop@example.com", "Marta Gil", id="desktop without JavaScript, Spanish"
        ),
    ],
)
async def test_somebody_applies_step_by_step_with_a_document_and_signs(
    site: Site,
    visitor: Visitor,
    tmp_path: Path,
    size: ViewportSize,
    scripts: bool,
    language: str,
    email: str,
    name: str,
) -> None:
    say = WORDS[language]
    page = await visitor.page(size, scripts=scripts)
    await page.goto("/" if language == "en" else f"/{language}")
    await page.get_by_role("link", name="Elm Street Apartments 204", exact=True).click()
    await page.get_by_role("link", name=say["apply"], exact=True).click()
    await fill(page, say, you_name=name, you_email=email, you_move_in="2026-05-01")
    await proceed(page, say, "household")
    await fill(page, say, household_people="2", adults_name="Sam Lee")
    await page.get_by_role("button", name=say["apply_add"]).first.click()
    await expect(page.get_by_label(say["ask_adults_name"])).to_have_count(2)
    await proceed(page, say, "homes")
    await fill(page, say, homes_street="5 Oak Lane", homes_city="Austin", homes_since="soon")
    await page.get_by_role("button", name=say["apply_next"]).last.click()
    await expect(page.get_by_role("alert")).to_contain_text(say["month_wrong"])
    await page.get_by_role("alert").get_by_role("link").click()
    await page.get_by_label(say["ask_homes_since"]).fill("04/2023")
    await page.get_by_label(say["ask_homes_since"]).press("Enter")
    await at_step(page, say, "income")
    await page.get_by_label(say["ask_sources_kind"]).select_option("job")
    await fill(page, say, sources_monthly="4,000")
    await proceed(page, say, "documents")
    stub = tmp_path / "stub.pdf"
    stub.write_bytes(b"%PDF-1.7\n" + b"x" * 300_000)
    await page.get_by_label(say["ask_documents_kind"]).select_option("income")
    await page.get_by_label(say["ask_documents_document"], exact=True).set_input_files(stub)
    await page.get_by_role("button", name=say["apply_upload"]).click()
    await expect(page.get_by_text("stub.pdf").first).to_be_visible()
    await proceed(page, say, "review")
    await page.get_by_label(say["ask_review_agreed"]).check()
    await page.get_by_label(say["ask_review_signature"]).fill(name)
    await page.get_by_role("button", name=say["apply_submit"]).click()
    await expect(page.get_by_text(say["apply_done_more"])).to_be_visible()

    with site.crm.store.reading() as session:
        application = session.scalars(select(Application).where(Application.email == email)).one()
        [document] = session.scalars(
            select(ApplicationDocument).where(ApplicationDocument.application_id == application.id)
        )
    assert (application.status, application.language) == ("submitted", language)
    assert (site.crm.config.documents_folder / document.file).read_bytes() == stub.read_bytes()
    assert [text.partition(" ")[0] for _, text in site.timeline(application.lead_id)] == ["Began", "Submitted"]


async def fill(page: Page, say: dict[str, str], **answers: str) -> None:
    """Fills in the first field of each label."""
    for name, answer in answers.items():
        await page.locator("form.letter").get_by_label(say[f"ask_{name}"]).first.fill(answer)


async def proceed(page: Page, say: dict[str, str], step: str) -> None:
    """Saves, and comes to the next step."""
    await page.get_by_role("button", name=say["apply_next"]).last.click()
    await at_step(page, say, step)


async def at_step(page: Page, say: dict[str, str], step: str) -> None:
    await expect(page.get_by_role("heading", level=1)).to_contain_text(say[f"ask_{step}"])
