"""Whether a caller withholds their number: the patterns of the dialplan (context caller), and that the app decides
alike where the dialplan never ran."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_conf.render import OfficeSetup
from crm.domain import invite
from tests.unit.test_render import rendered

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, list[str]]]:
    """Header, what is left of it (the characters that pass), and the patterns that are looked for in it."""
    text = rendered(tmp_path_factory.mktemp("home"), OfficeSetup())["extensions.conf"]
    context = text.partition("\n[caller]\n")[2].partition("\n[")[0]
    filtered = re.findall(r'(\w+)="\$\{TOLOWER\(\$\{FILTER\(([^,]*),\$\{PJSIP_HEADER\(read,([\w-]+)\)', context)
    asked = [line for line in context.splitlines() if "REGEX" in line]
    assert all(line.endswith("?withheld)") for line in asked)
    found = [
        (header, kept, re.findall(r'REGEX\("(.*?)" ', line))
        for name, kept, header in filtered
        for line in asked
        if name in line
    ]
    assert len(found) == len(filtered) == len(asked) == 3
    return found


def is_withheld(rules: list[tuple[str, str, list[str]]], headers: dict[str, str]) -> bool:
    for header, kept, (wanted, *unless) in rules:
        left = re.sub(f"[^{kept}]", "", headers.get(header, "")).lower()
        if re.search(wanted, left) and not any(re.search(pattern, left) for pattern in unless):
            return True
    return False


WITHHELD = [
    {"Privacy": "id"},
    {"Privacy": "user;id;critical"},
    {"Privacy": "header; USER"},
    {"Privacy": "critical"},
    {"Privacy": "header,id"},
    {"Remote-Party-ID": '"Ann" <sip:+15125550123@carrier>;party=calling;privacy=full;screen=yes'},
    {"Remote-Party-ID": "<sip:+15125550123@carrier>; privacy = uri"},
    {"From": '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'},
    {"From": "<sip:anonymous@carrier.example>;tag=1"},
    {"From": "<sip:Restricted@carrier.example>"},
    {"From": "<sip:anonymous.invalid>", "Privacy": "id"},
    {"From": '"x" <sip:thisisme@anonymous.invalid>'},
    {"From": "sip:anonymous@carrier"},
]
SHOWN = [
    {},
    {"Privacy": "none"},
    {"Privacy": "none;critical"},
    {"Privacy": "header"},
    {"Privacy": "session"},
    {"Privacy": "identity"},
    {"Remote-Party-ID": "<sip:+15125550123@carrier>;privacy=off"},
    {"Remote-Party-ID": "<sip:+15125550123@carrier>;privacy=name"},
    {"From": '"Anonymous" <sip:+15125550123@carrier>'},
    {"From": "<sip:+15125550123@carrier.private.example>"},
    {"From": "<sip:unavailable@carrier>"},
]


@pytest.mark.parametrize("headers", WITHHELD, ids=str)
def test_withheld(rules: list[tuple[str, str, list[str]]], headers: dict[str, str]) -> None:
    assert is_withheld(rules, headers)
    assert invite.is_withheld(raw(headers))


@pytest.mark.parametrize("headers", SHOWN, ids=str)
def test_shown(rules: list[tuple[str, str, list[str]]], headers: dict[str, str]) -> None:
    assert not is_withheld(rules, headers)
    assert not invite.is_withheld(raw(headers))


PIECES = [
    "id",
    "user",
    "none",
    "critical",
    ";",
    ", ",
    " ",
    "sip:",
    "anonymous",
    "@",
    ".invalid",
    "<",
    ">",
    "1",
    "é",
    "privacy=",
    "full",
    "URI",
    "withheld",
    '"',
]
VALUES = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)


@given(st.fixed_dictionaries({}, optional={"Privacy": VALUES, "Remote-Party-ID": VALUES, "From": VALUES}))
def test_the_app_decides_as_the_dialplan_does(rules: list[tuple[str, str, list[str]]], headers: dict[str, str]) -> None:
    assert invite.is_withheld(raw(headers)) == is_withheld(rules, headers)


def raw(headers: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name.lower(): (value,) for name, value in headers.items()}
