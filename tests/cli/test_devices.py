"""`leaseline device`: accounts as they are written into phones, new passwords, and the codes that phones dial."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from html import unescape
from pathlib import Path

import pytest

from crm.config import load
from crm.services.phones import provisioning
from crm.services.phones.provisioning import SipAccount
from tests.cli.conftest import Leaseline

pytestmark = pytest.mark.cli


def secret_of(office: Leaseline, device: str = "alice-desk") -> str:
    return str(json.loads((office.home / "secrets.json").read_text())[f"device/{device}"])


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


# --- codes ---


def test_codes_are_listed_as_they_are_set(office: Leaseline) -> None:
    found = {entry["action"]: entry for entry in office.json("device", "codes")}
    assert found["dnd_on"] == {
        "action": "dnd_on",
        "code": "*78",
        "meaning": "Do not disturb for this phone, for some hours",
        "example": "*78",
    }
    assert found["pickup"]["example"] == "*8 or *8101"
    with (office.home / "leaseline.toml").open("a") as settings:
        settings.write('\n[codes]\ndnd_on = "*25"\nvoicemail = ""\n')
    changed = {entry["action"]: entry["code"] for entry in office.json("device", "codes")}
    assert changed["dnd_on"] == "*25"
    assert "voicemail" not in changed
    assert "*25" in office.ok("device", "codes")


def test_codes_that_clash_are_refused_by_every_command(office: Leaseline) -> None:
    with (office.home / "leaseline.toml").open("a") as settings:
        settings.write('\n[codes]\ndnd_on = "*79"\n')
    result = office("device", "codes")
    assert result.exit_code != 0
    assert "codes.dnd_on and codes.dnd_off are the same" in result.stderr


# --- the page ---


def test_the_page_has_all_that_a_phone_needs_and_is_its_owner_s_alone(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "alice.html"
    said = office.ok("device", "show", "alice-desk", "--page", str(file))
    secret = secret_of(office)
    assert secret not in said
    assert file.stat().st_mode & 0o777 == 0o600
    page = file.read_text()
    assert all(text in words(page) for text in ("Alice, extension 101", "alice-desk", secret, "UDP", "*78", "*8101"))
    for phone in ("Yealink", "Poly", "Grandstream", "Cisco", "Linphone", "Zoiper", "MicroSIP"):
        assert phone in page
    # Nothing is fetched when it is opened.
    assert not re.search(r"(src|href)\s*=|url\(|@import|<script", page)


def test_a_page_is_never_written_over_a_file(office: Leaseline, tmp_path: Path) -> None:
    file = tmp_path / "kept.html"
    file.write_text("mine")
    assert "choose another name" in office.refused("device", "show", "alice-desk", "--page", str(file))
    (tmp_path / "link.html").symlink_to(tmp_path / "elsewhere")
    office.refused("device", "show", "alice-desk", "--page", str(tmp_path / "link.html"))
    assert file.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7 * 7 }}"])
def test_a_name_is_text_on_the_page(office: Leaseline, tmp_path: Path, name: str) -> None:
    office.ok("agent", "set", "alice", "--name", name)
    office.ok("device", "show", "alice-desk", "--page", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert f"{name}, extension 101" in unescape(page)


def test_a_device_that_encrypts_is_told_so_everywhere(office: Leaseline, tmp_path: Path) -> None:
    office.ok("device", "set", "alice-desk", "--encrypted")
    ports = load(office.home).ports
    shown = office.json("device", "show", "alice-desk")
    assert (shown["transport"], shown["port"]) == ("tls", ports.sips)
    office.ok("device", "show", "alice-desk", "--page", str(tmp_path / "page.html"))
    page = words((tmp_path / "page.html").read_text())
    assert "required (SDES)" in page
    assert "UDP" not in page
    office.ok("device", "set", "alice-desk", "--no-encrypted")
    assert office.json("device", "show", "alice-desk")["transport"] == "udp"


# --- the QR code ---


def test_the_qr_code_is_shown_on_a_terminal_only(office: Leaseline) -> None:
    assert "only shown on a terminal" in office.refused("device", "show", "alice-desk", "--qr")
    drawn = office.ok("device", "show", "alice-desk", "--qr", "--secret")
    assert "█" in drawn
    assert secret_of(office) not in drawn


def test_the_qr_code_says_the_account_as_grandstream_wave_reads_it() -> None:
    account = SipAccount(
        user="alice-desk",
        secret="s3cret",
        name="Alice <& Bob>",
        extension="101",
        server="192.0.2.7",
        port=5060,
        transport="UDP",
        encrypted=False,
    )
    root = ElementTree.fromstring(provisioning.qr_text(account, "*97"))
    assert (root.tag, root.attrib) == ("AccountConfig", {"version": "1"})
    assert {field.tag: field.text for field in root[0]} == {
        "RegisterServer": "192.0.2.7:5060",
        "OutboundServer": None,
        "UserID": "alice-desk",
        "AuthID": "alice-desk",
        "AuthPass": "s3cret",
        "AccountName": "alice-desk",
        "DisplayName": "Alice <& Bob>",
        "Voicemail": "*97",
    }


@pytest.mark.parametrize("way", [("--qr", "--secret"), ("--page", "page.html")])
def test_what_has_no_account_gets_no_page(office: Leaseline, way: tuple[str, ...]) -> None:
    office.ok("device", "add", "alice-web", "--agent", "alice", "--kind", "browser")
    office.ok("device", "add", "alice-mobile", "--agent", "alice", "--kind", "mobile", "--number", "(512) 555-0150")
    for device in ("alice-web", "alice-mobile"):
        assert device in office.refused("device", "show", device, *way)


# --- new passwords ---


def test_a_new_password_is_another_one_and_is_shown_on_request_only(office: Leaseline) -> None:
    old = secret_of(office)
    said = office("device", "rotate", "alice-desk")
    new = secret_of(office)
    assert new != old
    assert len(new) == len(old)
    assert old not in said.output
    assert new not in said.output
    rendered = office.home / "asterisk" / "etc" / "pjsip.conf"
    assert not rendered.exists() or (new in rendered.read_text() and old not in rendered.read_text())
    assert secret_of(office) not in said.output
    shown = office("device", "rotate", "alice-desk", "--secret").output
    assert secret_of(office) in shown
    assert ("password of device alice-desk renewed",) in office.rows("select what from audit_entry")


def test_no_other_command_shows_a_password(office: Leaseline) -> None:
    secret = secret_of(office)
    for command in (
        ("device", "list"),
        ("device", "list", "--json"),
        ("device", "show", "alice-desk"),
        ("device", "show", "alice-desk", "--json"),
        ("agent", "list"),
        ("config", "show"),
        ("status",),
        ("doctor",),
    ):
        assert secret not in office(*command).output
    assert all(secret not in row[0] for row in office.rows("select what from audit_entry"))


def test_a_mobile_has_no_password(office: Leaseline) -> None:
    office.ok("device", "add", "alice-mobile", "--agent", "alice", "--kind", "mobile", "--number", "(512) 555-0150")
    assert "has no password" in office.refused("device", "rotate", "alice-mobile")
    assert "There is no device nobody" in office.refused("device", "rotate", "nobody")


# --- changes ---


def test_a_device_changes_hands_and_kind(office: Leaseline) -> None:
    office.ok("device", "set", "alice-desk", "--agent", "bob", "--kind", "softphone")
    shown = office.json("device", "show", "alice-desk")
    assert (shown["agent"], shown["kind"]) == ("bob", "softphone")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "alice-desk"), "Nothing to change"),
        (("set", "alice-desk", "--agent", "nobody"), "There is no agent nobody"),
        (("set", "alice-desk", "--kind", "mobile"), "add a mobile instead"),
        (("set", "alice-desk", "--kind", "browser", "--encrypted"), "A browser always encrypts"),
        (("add", "bob-web", "--agent", "bob", "--kind", "browser", "--encrypted"), "A browser always encrypts"),
        (("show", "alice-desk", "--qr", "--json"), "Use --json without"),
    ],
)
def test_what_cannot_be_is_refused(untouched: Leaseline, arguments: tuple[str, ...], said: str) -> None:
    assert said in untouched.refused("device", *arguments)


def test_a_home_says_where_tls_listens(office: Leaseline) -> None:
    ports = load(office.home).ports
    assert ports.sips == ports.sip + 5
