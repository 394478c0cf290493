"""A visit to the public site in a real browser, from the link in a text to a tour."""

from __future__ import annotations

import pytest
from playwright.async_api import JSHandle, Locator, Page, ViewportSize, expect

from crm.words.site import WORDS
from tests.browser.office import Site
from tests.browser.visitor import DESKTOP, PHONE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HOME = "Elm Street Apartments 204"


@pytest.mark.parametrize(
    ("size", "scripts", "language", "number"),
    [
        pytest.param(PHONE, True, "en", "+15125550181", id="phone"),
        pytest.param(DESKTOP, True, "es", "+15125550182", id="desktop, Spanish"),
        pytest.param(PHONE, False, "es", "+15125550183", id="phone without JavaScript, Spanish"),
        pytest.param(DESKTOP, False, "en", "+15125550184", id="desktop without JavaScript"),
    ],
)
async def test_a_texted_link_leads_to_a_home_a_question_and_a_tour_and_all_of_it_is_in_the_timeline(
    site: Site, visitor: Visitor, size: ViewportSize, scripts: bool, language: str, number: str
) -> None:
    say = WORDS[language]
    lead, link = site.invited(number)
    page = await visitor.page(size, scripts=scripts)
    await page.goto(link)
    assert page.url == f"{site.url}/properties/elm"
    if language == "es":
        await follow(page, "Español")
    await follow(page, HOME)
    assert await page.locator("html").get_attribute("lang") == language
    await expect(page.get_by_role("heading", level=1)).to_contain_text(HOME)
    await expect(page.get_by_text("$1,290")).to_be_visible()

    await follow(page, say["question"])
    await page.get_by_label(say["name"]).fill("Pat Smith")
    await page.get_by_label(say["phone"], exact=True).fill(number)
    await page.get_by_label(say["message"]).fill("Is parking included?")
    await page.get_by_role("button", name=say["send"]).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(say["sent"])

    await follow(page, say["back"].format(name=HOME))
    await follow(page, say["tour"])
    free = page.get_by_role("radio").first
    time = str(await free.get_attribute("value"))
    await free.check()
    await page.get_by_label(say["name"]).fill("Pat Smith")
    await page.get_by_label(say["phone_mobile"]).fill(number)
    await page.get_by_role("button", name=say["book"]).click()
    await expect(page.get_by_text(say["tour_text"])).to_be_visible()

    did = [one for one in site.timeline(lead) if one[0] in ("LinkOpened", "Form", "Appointment")]
    assert did == [
        ("LinkOpened", "Opened our link to /properties/elm."),
        ("Form", "Asked about 204 at Elm Street Apartments: Is parking included?"),
        ("Form", "Asked for a tour of 204 at Elm Street Apartments."),
        ("Appointment", f"Booked a tour of Elm Street Apartments (accompanied): {site.at(time)}."),
    ]


async def test_microrealestate_130_a_stranger_books_a_real_free_slot_with_the_keyboard_alone(
    site: Site, visitor: Visitor
) -> None:
    say = WORDS["en"]
    page = await visitor.page(DESKTOP)
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert await focused(page) == say["skip"]
    await page.keyboard.press("Enter")
    for link in (HOME, say["tour"]):
        await tab_to(page, link)
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(say["tour_of"].format(name=HOME))
    # All times are one stop, within which the arrows move.
    free = page.get_by_role("radio")
    await tab_to(page, await named(free.first))
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await expect(free.nth(3)).to_be_checked()
    time = site.at(str(await free.nth(3).get_attribute("value")))
    await tab_to(page, say["name"])
    await page.keyboard.type("Pat Smith")
    await tab_to(page, say["phone_mobile"])
    await page.keyboard.type("(512) 555-0185")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(say["tour_done"].format(name=HOME, when=time))


async def follow(page: Page, name: str) -> None:
    """Clicks the one link of this name."""
    await page.get_by_role("link", name=name, exact=True).click()


async def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what has this name has the focus, which shows wherever it goes."""
    passed = []
    while len(passed) < 40:
        await page.keyboard.press("Tab")
        # A date's button for its calendar is the browser's own, and shows by itself.
        assert await page.evaluate(
            "document.activeElement.type === 'date' || getComputedStyle(document.activeElement).outlineStyle !== 'none'"
        ), passed
        passed.append(await focused(page))
        if passed[-1] == name:
            return
    raise AssertionError(f"{name} is not reached: {passed}")


async def focused(page: Page) -> str:
    return await named(await page.evaluate_handle("document.activeElement"))


async def named(one: Locator | JSHandle) -> str:
    """The text of a link or a button, or a field's label."""
    return str(await one.evaluate("""(one) => (one.labels?.[0] ?? one).innerText.replace(/[ \\n]+/g, " ").trim()"""))
