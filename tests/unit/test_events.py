"""What Asterisk is told to keep to itself, and what the app reads of its events."""

from __future__ import annotations

import re

import pytest

from ari_app.edge import events, rtcp, security
from asterisk_conf.render import OfficeSetup
from tests.unit.test_render import rendered

pytestmark = pytest.mark.unit

DECLINED = {
    "ast_channel_varset_type": {"ChannelVarset", "VarSet"},
    "ast_rtp_rtcp_sent_type": {"RTCPSent"},
    "ast_test_suite_message_type": {"TestEvent"},
    "agi_exec_start_type": {"AGIExecStart"},
    "agi_exec_end_type": {"AGIExecEnd"},
}
"""Asterisk's name of a message, and the events of ARI and AMI that are made of it."""
READ = {rtcp.EVENT, *security.AttemptKind}
"""Of AMI."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return rendered(tmp_path_factory.mktemp("home"), OfficeSetup())


def test_nothing_that_the_app_reads_is_declined(files: dict[str, str]) -> None:
    declined = re.findall(r"^decline = (\w+)$", files["stasis.conf"], re.MULTILINE)
    assert set(declined) == set(DECLINED)
    assert not set().union(*DECLINED.values()) & {*events.KINDS, *READ}


def test_each_event_of_ami_that_the_app_reads_reaches_one_of_its_users(files: dict[str, str]) -> None:
    text = files["manager.conf"]
    (disabled,) = re.findall(r"^disabledevents = (.*)$", text, re.MULTILINE)
    assert not READ & set(disabled.split(","))
    assert set(re.findall(r"^eventfilter\(action\(include\),name\((\w+)\)", text, re.MULTILINE)) == READ


def test_asterisk_keeps_no_record_of_calls_of_its_own_and_none_is_asked_for(files: dict[str, str]) -> None:
    assert "\nenable = no\n" in files["cdr.conf"]
    assert "CDR(" not in files["extensions.conf"]


def test_every_kind_of_event_that_the_edge_knows_is_let_through() -> None:
    classes = {kind.__name__ for kind in _subclasses(events.Event)} - {"UnknownEvent"}
    assert classes == set(events.KINDS)


def _subclasses(kind: type[events.Event]) -> set[type[events.Event]]:
    return {one for child in kind.__subclasses__() for one in (child, *_subclasses(child))}
