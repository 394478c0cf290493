"""`leaseline site`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Leaseline
from tests.cli.test_listings import offered

pytestmark = pytest.mark.cli

URL = "https://homes.example.com"
ROOT = Path(__file__).parents[2]


def with_address(office: Leaseline) -> None:
    path = office.home / "leaseline.toml"
    path.write_text(f'{path.read_text()}\n[site]\npublic_url = "{URL}"\n')


def test_it_says_where_the_site_is_and_what_it_offers(office: Leaseline) -> None:
    assert "set site.public_url" in office.ok("site", "show")
    with_address(office)
    offered(office)
    found = office.json("site", "show")
    assert (found["public_url"], found["homes"], found["properties"]) == (URL, 1, 1)
    assert URL in office.ok("site", "show")


def test_a_link_to_send_by_hand_is_the_leads_own(office: Leaseline) -> None:
    offered(office)
    office.ok("lead", "add", "--phone", "(512) 555-0199", "--name", "Pat")
    assert "site.public_url" in office.refused("site", "link", "1")
    with_address(office)
    link = office.ok("site", "link", "1", "--listing", "1").strip()
    assert link.startswith(f"{URL}/l/")
    assert office.ok("site", "link", "(512) 555-0199", "--listing", "1").strip() == link
    assert office.ok("site", "link", "1", "--property", "elm").strip() != link
    assert office.rows("SELECT lead_id, path FROM short_link") == [(1, "/homes/1"), (1, "/properties/elm")]
    assert office.json("site", "show")["links_sent"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("7",), "no lead 7"),
        (("(512) 555-0177",), "no lead with this number"),
        (("1", "--listing", "9"), "Listing 9 is not on the site"),
        (("1", "--property", "oak"), "Property oak is not on the site"),
        (("1", "--property", "elm", "--listing", "1"), "not both"),
    ],
)
def test_a_link_to_what_is_not_there_is_refused(office: Leaseline, words: tuple[str, ...], said: str) -> None:
    with_address(office)
    offered(office)
    office.ok("lead", "add", "--phone", "(512) 555-0199", "--name", "Pat")
    assert said in office.refused("site", "link", *words)


def test_a_site_that_does_not_run_is_said_to(office: Leaseline) -> None:
    result = office("site", "check")
    assert result.exit_code == 1
    assert "serve --only site" in result.stderr


def test_the_pages_of_a_running_site_are_opened_one_by_one(office: Leaseline) -> None:
    offered(office)
    command = [sys.executable, str(ROOT / "cli.py"), "--home", str(office.home), "serve", "--only", "site"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + 90
            while (result := office("site", "check", "--json")).exit_code:
                assert server.poll() is None, "the site has ended"
                assert time.monotonic() < deadline, result.output
        finally:
            server.terminate()
    assert [(page["path"], page["status"]) for page in json.loads(result.stdout)] == [
        ("/", 200),
        ("/properties/elm", 200),
        ("/homes/1", 200),
    ]
