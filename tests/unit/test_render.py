"""The configuration Asterisk gets: no text of anybody's adds a line to it, and only its owner reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asterisk_conf.programs import AsteriskDirs
from asterisk_conf.render import OfficeSetup, Passwords, Peer, PhoneAccount, render
from crm.config import Config, Talk

pytestmark = pytest.mark.unit

DIRS = AsteriskDirs(*(Path("/opt/asterisk") for _ in AsteriskDirs.__dataclass_fields__))
PASSWORDS = Passwords(
    ari="ari-password", ami="ami-password", agi="agi-password", watch="watch-password", hep="hep-password"
)
HOSTILE = [
    'Eve" <911>',
    "Eve\n[evil]\ntype = endpoint",
    "Eve\r\ncontext = from-trunk",
    "a;b",
    "${SHELL(id)}",
    "#exec id",
    "x\u2028y\x85z",
    "=> x",
]


def phone(**values: object) -> PhoneAccount:
    known: dict[str, object] = {
        "device": "alice-desk",
        "secret": "s3cret",
        "name": "Alice",
        "extension": "101",
        "on_duty": True,
        "dnd_until": None,
    }
    return PhoneAccount(**{**known, **values})  # type: ignore[arg-type]


def peer(**values: object) -> Peer:
    known: dict[str, object] = {
        "name": "carrier",
        "host": "sip.example",
        "port": 5060,
        "transport": "udp",
        "addresses": (),
        "digest": True,
        "username": "us",
        "secret": "s3cret",
        "register": True,
    }
    return Peer(**{**known, **values})  # type: ignore[arg-type]


def rendered(home: Path, office: OfficeSetup, node: str = "") -> dict[str, str]:
    config = Config(home=home, node=node)
    render(config, DIRS, PASSWORDS, office)
    return {path.name: path.read_text() for path in (config.asterisk_folder / "etc").iterdir()}


@pytest.mark.parametrize(("seconds", "count"), [(15.0, 2), (0.0, 0)])
def test_lines_that_the_app_does_not_have_end_when_nothing_comes_from_them_for_long(
    tmp_path: Path, seconds: float, count: int
) -> None:
    config = Config(home=tmp_path, talk=Talk(lost_seconds=seconds))
    render(config, DIRS, PASSWORDS, OfficeSetup())
    text = (config.asterisk_folder / "etc" / "pjsip.conf").read_text()
    assert len(re.findall(r"^rtp_timeout = ", text, re.MULTILINE)) == count, "of phones and of trunks"


def keys(text: str) -> list[str]:
    """What Asterisk reads of a line: section or key, without the value."""
    lines = [re.split(r"\s*=>?\s*", line)[0] for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith(";")]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_or_password_adds_no_line(tmp_path: Path, text: str) -> None:
    plain = rendered(tmp_path / "plain", OfficeSetup(phones=(phone(),), peers=(peer(),)))["pjsip.conf"]
    office = OfficeSetup(phones=(phone(name=text, secret=text),), peers=(peer(secret=text, username=text),))
    hostile = rendered(tmp_path / "hostile", office)["pjsip.conf"]
    assert keys(hostile) == keys(plain)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(name=st.text(max_size=60), secret=st.text(min_size=1, max_size=60))
def test_no_name_or_password_adds_a_line(tmp_path: Path, name: str, secret: str) -> None:
    plain = rendered(tmp_path, OfficeSetup(phones=(phone(),)))["pjsip.conf"]
    assert keys(rendered(tmp_path, OfficeSetup(phones=(phone(name=name, secret=secret),)))["pjsip.conf"]) == keys(plain)


def test_a_trunk_over_tls_is_called_so_and_its_certificate_is_checked(tmp_path: Path) -> None:
    files = rendered(tmp_path, OfficeSetup(peers=(peer(transport="tls", port=5061),)))
    text, transports = files["pjsip.conf"], files["pjsip_transports.conf"]
    assert "contact = sip:sip.example:5061\\;transport=tls" in text
    assert "server_uri = sip:sip.example:5061\\;transport=tls" in text
    assert "verify_server = yes" in transports


def test_a_phone_that_has_to_encrypt_may_do_nothing_else(tmp_path: Path) -> None:
    text = rendered(tmp_path, OfficeSetup(phones=(phone(encrypted=True),)))["pjsip.conf"]
    assert "transport = transport-tls" in text
    assert "media_encryption = sdes" in text
    assert "media_encryption_optimistic" not in text


def test_a_semicolon_in_a_password_stays_in_it(tmp_path: Path) -> None:
    assert "password = a\\;b" in rendered(tmp_path, OfficeSetup(phones=(phone(secret="a;b"),)))["pjsip.conf"]


def test_files_are_their_owner_s_alone(tmp_path: Path) -> None:
    rendered(tmp_path, OfficeSetup(phones=(phone(),)))
    files = list((tmp_path / "asterisk" / "etc").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert not [file for file in files if file.suffix == ".new"]


def test_only_what_changes_is_written_anew(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    first = render(config, DIRS, PASSWORDS, OfficeSetup(phones=(phone(),)))
    assert {"pjsip.conf", "extensions.conf", "modules.conf", "ari.conf"} <= first
    before = {path: path.stat().st_ino for path in (config.asterisk_folder / "etc").iterdir()}
    assert render(config, DIRS, PASSWORDS, OfficeSetup(phones=(phone(),))) == set()
    assert {path: path.stat().st_ino for path in before} == before
    assert render(config, DIRS, PASSWORDS, OfficeSetup(phones=(phone(on_duty=False),))) == {"extensions.conf"}


def phones_on_duty(tmp_path: Path, office: OfficeSetup) -> str:
    text = rendered(tmp_path, office)["extensions.conf"]
    return text[text.index("[phones-on-duty]") : text.index("[phones-of-extension]")]


def test_without_the_app_only_phones_on_duty_and_not_on_dnd_ring(tmp_path: Path) -> None:
    office = OfficeSetup(
        phones=(
            phone(device="on-duty"),
            phone(device="off-duty", on_duty=False),
            phone(device="dnd", dnd_until="forever"),
            phone(device="dnd-ends", dnd_until=1_800_000_000),
        )
    )
    text = phones_on_duty(tmp_path, office)
    assert 'DEVICE_STATE(PJSIP/on-duty)}" = "NOT_INUSE"]' in text
    assert 'DEVICE_STATE(PJSIP/dnd-ends)}" = "NOT_INUSE" & ${EPOCH} >= 1800000000]' in text
    assert "off-duty" not in text
    assert "&PJSIP/dnd)" not in text
    assert "LL_OPEN" not in text


def test_without_the_app_the_office_is_closed_outside_its_windows_as_far_as_they_are_known(tmp_path: Path) -> None:
    office = OfficeSetup(phones=(phone(),), open_windows=((100, 200), (300, 400)), windows_end=900)
    text = phones_on_duty(tmp_path, office)
    assert "${EPOCH} >= 100 & ${EPOCH} < 200]?Set(LL_OPEN=1)" in text
    assert "${EPOCH} >= 300 & ${EPOCH} < 400]?Set(LL_OPEN=1)" in text
    assert "${EPOCH} >= 900]?Set(LL_OPEN=1)" in text
    assert text.index('"${LL_OPEN}" = "0"]?done') < text.index("DEVICE_STATE")


def test_phones_the_app_rang_may_ring_on_before_the_last_resort_rings(tmp_path: Path) -> None:
    text = rendered(tmp_path, OfficeSetup())["extensions.conf"]
    # 20 s of a stage and 5 more, of which the app has been away for at least 15.
    assert (
        '"${LL_STEP}" = "ring" | "${LL_STEP}" = "transfer" | "${LL_STEP}" = "queue" | "${LL_STEP}" = "rejoin"]?Wait(10)'
        in text
    )


def test_a_trunk_known_by_address_needs_no_name_and_is_told_last(tmp_path: Path) -> None:
    text = rendered(
        tmp_path, OfficeSetup(peers=(peer(addresses=("192.0.2.1",), digest=False, secret="", register=False),))
    )
    assert "identify_by = ip" in text["pjsip.conf"]
    assert "match = 192.0.2.1" in text["pjsip.conf"]


def test_calls_and_events_of_two_nodes_can_be_told_apart(tmp_path: Path) -> None:
    east, west = (rendered(tmp_path / name, OfficeSetup(), node=name)["asterisk.conf"] for name in ("east", "west"))
    assert "systemname = east" in east
    assert "systemname = west" in west
    [mine], [others] = (
        re.findall(r"^entityid = (02(?::[0-9a-f]{2}){5})$", text, re.MULTILINE) for text in (east, west)
    )
    assert mine != others


def test_pain_15_emergency_numbers_come_before_every_other_rule_and_no_digit_is_stripped(tmp_path: Path) -> None:
    peers = tuple(peer(name=name, transport="tls") for name in ("other", "acme"))
    office = OfficeSetup(phones=(phone(),), peers=peers, emergency_trunks=("acme", "other"))
    text = rendered(tmp_path, office)["extensions.conf"]
    sections = dict(re.findall(r"^\[([a-z-]+)\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL))
    rules = [line for line in sections["from-staff"].splitlines() if line.startswith(("exten", "include"))]
    assert rules[0] == "include => emergency"
    assert not [rule for rule in rules if rule.startswith("exten")]
    rule = r"^exten => (\d+),1,.*\n(?: same => n,.*\n)*? same => n,Set\(LL_TO=(\d+)\)"
    sent = re.findall(rule, sections["emergency"], re.MULTILINE)
    assert sent == [("911", "911"), ("9911", "911"), ("933", "933")]
    assert "Stasis(" not in sections["emergency-call"] + sections["emergency-trunk"]
    assert "AGI(" not in sections["emergency-call"] + sections["emergency-trunk"]
    acme, other = (f"1({name},sip.example:5060\\;transport=tls)" for name in ("acme", "other"))
    assert sections["emergency-call"].index(acme) < sections["emergency-call"].index(other)
    # By the trunk's name alone nothing would be sent while it does not answer SIP OPTIONS.
    assert "Dial(PJSIP/trunk-${ARG1}/sip:${LL_TO}@${ARG2},," in sections["emergency-trunk"]


def test_without_the_app_an_extension_rings_no_phone_on_dnd(tmp_path: Path) -> None:
    phones = tuple(
        phone(device=device, dnd_until=until)
        for device, until in (("alice-desk", None), ("alice-soft", "forever"), ("alice-browser", 1_900_000_000))
    )
    office = OfficeSetup(phones=phones, extensions=(("101", tuple(one.device for one in phones)),))
    text = rendered(tmp_path, office)["extensions.conf"]
    extension = text[text.index("exten => 101,1,Set(LL_PHONES=)") :].partition("Return()")[0]
    assert " same => n,Set(LL_PHONES=${LL_PHONES}&PJSIP/alice-desk)" in extension
    assert "alice-soft" not in extension
    assert "ExecIf($[${EPOCH} >= 1900000000]?Set(LL_PHONES=${LL_PHONES}&PJSIP/alice-browser))" in extension


def test_every_parking_slot_has_a_lamp_and_no_other_has(tmp_path: Path) -> None:
    office = OfficeSetup(phones=(phone(),), extensions=(("101", ("alice-desk",)),))
    text = rendered(tmp_path, office)["extensions.conf"]
    lamps = re.findall(r"^exten => (\d+),hint,(.*)$", text, re.MULTILINE)
    assert lamps == [
        ("101", "PJSIP/alice-desk&Custom:dnd-101"),
        *((f"70{slot}", f"Custom:park-70{slot}") for slot in range(1, 10)),
    ]
