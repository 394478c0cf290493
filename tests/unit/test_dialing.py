"""Which numbers may be dialed outside, and what a dial string can hold."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.config import Config, Dialing
from crm.domain.dialing import (
    Clearance,
    DialPurpose,
    DialRequest,
    DialRules,
    NumberStyle,
    OutboundTrunk,
    Route,
    in_order,
    is_emergency,
    refusal,
    written,
)
from crm.edge import numbers
from tests.unit.sources import ROOT, sources

pytestmark = pytest.mark.unit

RULES = DialRules(countries=frozenset(Dialing().countries), live=10, per_day=500, per_agent_per_day=150)


def ask(typed: str, purpose: DialPurpose = DialPurpose.DESK) -> DialRequest:
    number = numbers.dialled(typed, "US", "9")
    return DialRequest(
        typed=typed,
        number=number,
        purpose=purpose,
        agent="alice",
        country=numbers.country(number) if number else "",
        is_costly=bool(number) and numbers.is_costly(number or ""),
    )


def way(trunk: str = "acme", **values: object) -> OutboundTrunk:
    return OutboundTrunk(**{"trunk": trunk, "host": "sip.example.com", **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("5125550123", "+15125550123"),
        ("(512) 555-0123", "+15125550123"),
        ("15125550123", "+15125550123"),
        ("+1 512 555 0123", "+15125550123"),
        ("95125550123", "+15125550123"),
        ("915125550123", "+15125550123"),
        ("9015550123", "+19015550123"),
        ("9 901 555 0123", "+19015550123"),
        ("4165550123", "+14165550123"),
        ("8005550123", "+18005550123"),
        ("011442079460000", "+442079460000"),
        ("9011442079460000", "+442079460000"),
    ],
)
def test_pain_13_numbers_are_read_as_people_dial_them(typed: str, number: str) -> None:
    assert numbers.dialled(typed, "US", "9") == number


def test_without_a_prefix_in_the_settings_a_nine_in_front_is_a_mistake() -> None:
    assert numbers.dialled("95125550123", "US", "") is None


@pytest.mark.parametrize("typed", ["5125550123", "+14165550123", "9 1 512 555 0123", "8005550123"])
def test_what_may_be_dialled(typed: str) -> None:
    assert refusal(ask(typed), RULES) is None


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("+18765550123", "country"),  # Jamaica
        ("+18095550123", "country"),  # Dominican Republic
        ("2425550123", "country"),  # Bahamas
        ("011442079460000", "country"),
        ("+19115550123", "country"),  # No area code, so of no country.
        ("9005550123", "premium-rate"),
        ("15129760123", "premium-rate"),
        ("5005550123", "premium-rate"),
        ("+870776123456", "premium-rate"),  # Inmarsat
        ("+881612345678", "premium-rate"),  # Iridium
        ("+882161234567", "premium-rate"),
        ("+9791234567", "premium-rate|not a phone number"),
        ("+449098790123", "premium-rate"),
        ("", "not a phone number"),
        ("101", "not a phone number"),
        ("1-800-FLOWERS", "not a phone number"),
        ("5125550123@evil", "not a phone number"),
        ("anonymous", "not a phone number"),
    ],
)
def test_what_may_not_be_dialled_and_why(typed: str, why: str) -> None:
    assert re.search(why, str(refusal(ask(typed), RULES)))


@pytest.mark.parametrize("typed", ["911", "9911", "933", "9-1-1", " 911 ", "112", "999", "000", "988"])
def test_pain_15_emergency_numbers_are_the_dialplans_and_never_stripped_of_digits(typed: str) -> None:
    assert is_emergency(typed)
    assert "Emergency" in str(refusal(ask(typed), RULES))


@pytest.mark.parametrize("purpose", list(DialPurpose))
def test_each_rule_refuses_for_each_purpose(purpose: DialPurpose) -> None:
    good = ask("5125550123", purpose)
    assert refusal(good, RULES) is None
    assert "our own lines" in str(refusal(replace(good, is_our_line=True), RULES))
    assert "may not dial" in str(refusal(replace(good, may_dial=False), RULES))
    assert "blocked in the settings" in str(refusal(good, replace(RULES, blocked_prefixes=("+1512",))))
    assert "10 outside calls" in str(refusal(replace(good, live=10), RULES))
    assert "500" in str(refusal(replace(good, today=500), RULES))
    assert "150" in str(refusal(replace(good, today_by_agent=150), RULES))
    unlimited = replace(RULES, live=0, per_day=0, per_agent_per_day=0)
    assert refusal(replace(good, live=99, today=9999, today_by_agent=9999), unlimited) is None


@pytest.mark.parametrize(
    ("purpose", "refused"),
    [
        (DialPurpose.DESK, True),
        (DialPurpose.ORDER, True),
        (DialPurpose.TRANSFER, True),
        (DialPurpose.FORWARD, False),
        (DialPurpose.OFFICE, False),
        (DialPurpose.ESCALATION, False),
    ],
)
def test_who_wants_no_calls_gets_none(purpose: DialPurpose, refused: bool) -> None:
    asked = replace(ask("5125550123", purpose), opted_out="entered on 2026-03-01")
    assert bool(refusal(asked, RULES)) is refused


def test_a_prefix_may_be_allowed_beside_the_countries_but_not_a_costly_number() -> None:
    rules = replace(RULES, allowed_prefixes=("+1787", "+1900"))
    assert refusal(ask("7875550123"), rules) is None
    assert refusal(ask("7875550123"), RULES) is not None
    assert refusal(ask("9005550123"), rules) is not None


@given(st.text(max_size=60) | st.from_regex(r"[0-9+*#@&;/\\, ().-]{0,45}"), st.sampled_from(list(NumberStyle)))
def test_whatever_is_typed_a_dial_string_holds_digits_only(typed: str, style: NumberStyle) -> None:
    number = numbers.dialled(typed, "US", "9")
    if refusal(ask(typed), replace(RULES, countries=frozenset({"US", "CA", "GB", "MX", "DE", "FR"}))):
        return
    assert number is not None
    [route] = Clearance(number, (way(style=style),), "+15125550100").routes
    assert re.fullmatch(r"PJSIP/trunk-acme/sip:\+?[0-9]+@sip\.example\.com:5060", route.endpoint, re.ASCII)


@given(st.text(max_size=60), st.sampled_from(list(NumberStyle)))
def test_a_number_is_written_with_digits_and_a_plus_alone(number: str, style: NumberStyle) -> None:
    assert re.fullmatch(r"\+?[0-9]*", written(number, style), re.ASCII)


@given(st.text(max_size=60))
def test_a_route_can_hold_nothing_but_a_dial_string(text: str) -> None:
    with pytest.raises(ValueError, match="dial string"):
        Route("acme", f"PJSIP/trunk-acme/sip:+15125550123@sip.example.com:5060&{text}")


@given(st.text(max_size=60).filter(lambda text: not re.fullmatch(r"[A-Za-z0-9.-]+", text, re.ASCII)))
def test_the_host_of_a_trunk_can_add_nothing_to_a_dial_string(text: str) -> None:
    with pytest.raises(ValueError, match="dial string"):
        Clearance("+15125550123", (way(host=text),), "+15125550100")


@pytest.mark.parametrize(("transport", "ending"), [("udp", ""), ("tcp", ";transport=tcp"), ("tls", ";transport=tls")])
def test_a_dial_string_names_the_trunks_address_and_not_only_the_trunk(transport: str, ending: str) -> None:
    """By its name alone nothing is sent while a trunk does not answer SIP OPTIONS."""
    [route] = Clearance("+15125550123", (way(port=5071, transport=transport),), "+15125550100").routes
    assert route.endpoint == f"PJSIP/trunk-acme/sip:+15125550123@sip.example.com:5071{ending}"


@pytest.mark.parametrize(
    ("style", "near", "far"),
    [
        (NumberStyle.PLUS, "+15125550123", "+442079460000"),
        (NumberStyle.DIGITS, "15125550123", "442079460000"),
        (NumberStyle.NATIONAL, "5125550123", "011442079460000"),
    ],
)
def test_numbers_are_written_as_the_trunk_wants_them(style: NumberStyle, near: str, far: str) -> None:
    assert written("+15125550123", style) == near
    assert written("+442079460000", style) == far
    assert written("6001", style) == "6001", "an extension of the office's own system"
    [route] = Clearance("+15125550123", (way(style=style),), "+15125550100").routes
    assert route.endpoint == f"PJSIP/trunk-acme/sip:{near}@sip.example.com:5060"
    assert route.shown("+15125550123") == near


def test_trunks_are_tried_by_position_and_then_by_name() -> None:
    found = in_order([(1, way("b")), (0, way("z")), (1, way("a"))])
    assert [one.trunk for one in found] == ["z", "a", "b"]


def test_no_other_module_builds_a_dial_string_for_outside() -> None:
    """Text that leads to a trunk's endpoint stands in one place of the program."""
    found = {
        str(path)
        for path, tree in sources("agi", "ari_app", "asterisk_conf", "crm", having="PJSIP/|@trunk-")
        if any(_leads_outside(text) for text in _texts(tree))
    }
    assert found == {"crm/domain/dialing.py"}


def test_every_channel_that_is_made_is_a_phones_or_has_a_clearance() -> None:
    """Whoever dials either names a device or takes the endpoint from a route; a message lamp dials nobody."""
    made = [
        (str(path), ast.unparse(node.func), ast.unparse(_endpoint(node)))
        for path, tree in sources("ari_app", having=r"/channels|(?:dial|ringing)\.dial\(")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _makes_channel(node)
    ]
    assert len(made) == 4
    for path, how, whom in made:
        if path == "ari_app/edge/dial.py":
            assert whom == "endpoint"
        elif path == "ari_app/workers/message_lamps.py":
            assert (how, whom) == ("self._client.post", "'Local/s@message-lamp'")
        else:
            # Asterisk's own originate obeys whatever a far end redirects to.
            assert how in ("dial.dial", "ringing.dial"), f"{path}: {how}"
            assert re.fullmatch(r"f'PJSIP/\{\w+\.device\}'", whom) or whom == "route.endpoint", f"{path}: {whom}"


def test_the_dialplan_obeys_no_redirection() -> None:
    """Each Dial() ignores what a far end redirects to (option i), and originate, which can't, dials no phone."""
    plan = (ROOT / "asterisk_conf/templates/extensions.conf.j2").read_text()
    lines = [line for line in plan.splitlines() if not line.startswith(";")]
    dialled = [re.search(r"\bDial\((.*)\)$", line) for line in lines if re.search(r"\bDial\(", line)]
    assert len(dialled) == 4
    for found in dialled:
        assert found
        assert re.match(r"[^,]*,[^,]*,i", found[1]), found[0]
    assert all("Originate(Local/" in line for line in lines if "Originate(" in line)
    modules = (ROOT / "asterisk_conf/templates/modules.conf.j2").read_text()
    assert not re.search(r"app_(queue|followme|page|chanisavail|dumpchan|mixmonitor|externalivr|disa)", modules)
    assert "redirect_method" not in (ROOT / "asterisk_conf/templates/pjsip.conf.j2").read_text()


def _makes_channel(call: ast.Call) -> bool:
    makes = ("/channels", "/channels/create")
    is_post = any(isinstance(arg, ast.Constant) and arg.value in makes for arg in call.args)
    how = ast.unparse(call.func)
    return (is_post and how.endswith(".post")) or how in ("dial.dial", "ringing.dial")


def _endpoint(call: ast.Call) -> ast.expr:
    """Whom a call dials: the argument `endpoint`, or the third one of `dial.dial`."""
    named = next((keyword.value for keyword in call.keywords if keyword.arg == "endpoint"), None)
    if named is not None:
        return named
    return ast.Name("endpoint") if ast.unparse(call.args[0]) == "'/channels/create'" else call.args[2]


def _texts(tree: ast.Module) -> list[str]:
    """Every text in a file's code, an f-string with {} for what is filled in; docstrings left out."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            found.append(node.value)
    return found


def _leads_outside(text: str) -> bool:
    return ("PJSIP/" in text and "@" in text) or "@trunk-" in text or "PJSIP/trunk-" in text


def test_a_wrong_setting_is_told(tmp_path: Path) -> None:
    from crm import config

    for wrong in ('countries = ["USA"]', 'blocked_prefixes = ["900"]', 'outside_prefix = "x"', "live = -1"):
        (tmp_path / "leaseline.toml").write_text(f"[dialing]\n{wrong}\n")
        with pytest.raises(config.ConfigError, match="dialing"):
            config.load(tmp_path)
    assert Config(tmp_path).dialing.countries == ("US", "CA")
