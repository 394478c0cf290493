"""The modules that Asterisk loads are those that the configuration and the features need."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from asterisk_conf import programs
from tests.scripted_phone import raw_calls
from tests.system import ELM, System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

LEFT_OUT = {
    "res_pjsip_aoc": "no charges are shown",
    "res_pjsip_config_wizard": "the configuration is rendered",
    "res_pjsip_diversion": "the app reads the header; what this adds to calls of ours would name callers to carriers",
    "res_pjsip_endpoint_identifier_anonymous": "there are no guests",
    "res_pjsip_geolocation": "the emergency service knows the place by the number",
    "res_pjsip_history": "for developers",
    "res_pjsip_logger": "for developers",
    "res_pjsip_maintenance": "trunks are switched off by us",
    "res_pjsip_notify": "sends what nobody asks for",
    "res_pjsip_one_touch_record_info": "recording is ours",
    "res_pjsip_path": "no proxy registers phones with us",
    "res_pjsip_phoneprov_provider": "phones are set up by hand",
    "res_pjsip_pidf_digium_body_supplement": "phones understand the plain form",
    "res_pjsip_pidf_eyebeam_body_supplement": "phones understand the plain form",
    "res_pjsip_publish_asterisk": "there is one Asterisk",
    "res_pjsip_rfc3329": "no carrier asks for it",
    "res_pjsip_send_to_voicemail": "mailboxes are ours",
    "res_pjsip_stir_shaken": "we read what the carrier has found out",
    "res_pjsip_t38": "no faxes",
    "res_pjsip_xpidf_body_generator": "phones understand the newer form",
}
"""Modules for SIP that Asterisk has and we do not load, and why; whatever is in neither list has been forgotten."""

CUT = {"application": 80, "function": 20}


async def test_what_the_dialplan_uses_is_there(system: System) -> None:
    there = {
        "application": await listed(system, r"^ *(\w+): ", "core show applications"),
        "function": await listed(system, r"^(\w+) ", "core show functions"),
    }
    needed = set(used(conf(system, "extensions.conf")))
    assert ("function", "PJSIP_HEADER") in needed
    assert ("application", "CELGenUserEvent") in needed
    # The console cuts a function's name at 20 letters.
    missing = {(kind, name) for kind, name in needed if name.lower()[: CUT[kind]] not in there[kind]}
    assert missing == set()


async def test_every_module_that_is_named_runs_and_none_for_sip_is_forgotten(system: System) -> None:
    named = set(re.findall(r"^(?:pre)?load = (\S+)\.so$", conf(system, "modules.conf"), re.MULTILINE))
    state = {module["name"].removesuffix(".so"): module["status"] for module in await system.ari("/asterisk/modules")}
    assert {name: state.get(name) for name in named if state.get(name) != "Running"} == {}
    there = {path.stem for path in programs.asterisk_dirs().modules.glob("res_pjsip*.so")}
    assert there - named - set(LEFT_OUT) == set()
    assert named & set(LEFT_OUT) == set()


async def test_when_a_carrier_asks_within_a_call_whether_it_is_up_then_it_is_told(system: System) -> None:
    number = system.new_number()
    called = (f"sip:{ELM}@{system.sip}", f"<sip:{ELM}@{system.sip}>")
    await raw_calls(system, [(f"<sip:{number}@127.0.0.1>", *called)], scenario="pinging_call")
    assert (await system.ended_call(number)).outcome == "gave_up"


def conf(system: System, name: str) -> str:
    return (system.config.asterisk_folder / "etc" / name).read_text()


def used(dialplan: str) -> Iterator[tuple[str, str]]:
    """Applications and functions of a dialplan, those among them that only a condition or a trial runs."""
    for line in dialplan.splitlines():
        if not (step := re.match(r"(?:exten => [^,]+,\d+|\s*same => n)(?:\(\w+\))?,(.*)", line)):
            continue
        yield "application", re.match(r"\w+", step[1])[0]  # type: ignore[index]
        for name in re.findall(r"(?:TryExec\(|ExecIf\(.*\?)(\w+)\(", step[1]):
            yield "application", name
        for name in re.findall(r"(?:\$\{|Set\()([A-Z_]{3,})\(", step[1]):
            yield "function", name


async def listed(system: System, pattern: str, command: str) -> set[str]:
    """Names that Asterisk's console answers with, in lower case."""
    return {name.lower() for name in re.findall(pattern, await system.asterisk_console(command), re.MULTILINE)}
