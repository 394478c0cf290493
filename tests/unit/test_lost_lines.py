"""When a line counts as lost."""

from __future__ import annotations

from typing import Any

import pytest

from ari_app.call.registry import Calls
from ari_app.edge.ami import AmiConnection
from ari_app.edge.client import AriClient
from ari_app.edge.errors import AsteriskUnreachable, ChannelGone
from ari_app.edge.rtcp import SenderReport
from ari_app.workers.lost_lines import LostLines

pytestmark = pytest.mark.unit

PERSON, AGENT = "1772460000.7", "1772460000.7-leg-alice-desk-abc123"


class Asterisk(AriClient):
    """Two channels that are up, and what has come from each."""

    def __init__(self) -> None:
        self.on_hold = set()
        self.connections = 1
        self.heard = {PERSON: {"rxcount": 5}, AGENT: {"rxcount": 5}}
        self.names = {PERSON: "PJSIP/trunk-demo-00000001", AGENT: "PJSIP/alice-desk-00000002"}
        self.states = dict.fromkeys(self.names, "Up")
        self.uris = {PERSON: "sip:+15125560001@127.0.0.1:5070", AGENT: "sip:alice-desk@127.0.0.1:5080;transport=tls"}
        self.secure = ""
        """The channel that is encrypted."""
        self.online = True
        self.hung_up: list[str] = []

    async def get(self, path: str, **query: str) -> Any:
        if path.startswith("/endpoints/"):
            assert path == "/endpoints/PJSIP/alice-desk"
            return {"state": "online" if self.online else "offline"}
        channel_id, _, what = path.removeprefix("/channels/").partition("/")
        if channel_id in self.hung_up:
            raise ChannelGone(404, "Not Found", path)
        if what == "rtp_statistics":
            return self.heard[channel_id]
        if what == "variable":
            values = {
                "CHANNEL(pjsip,target_uri)": self.uris[channel_id],
                "CHANNEL(rtp,dest)": "192.0.2.7:4000",
                "CHANNEL(rtp,secure)": str(int(channel_id == self.secure)),
            }
            return {"value": values[query["variable"]]}
        return {"name": self.names[channel_id], "state": self.states[channel_id]}

    async def delete(self, path: str, **query: str) -> Any:
        self.hung_up.append(path.removeprefix("/channels/"))


class Ami(AmiConnection):
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None

    async def refresh(self, channel: str) -> None:
        self.asked.append(channel)
        if self.error:
            raise self.error


class Talk(Calls):
    there = frozenset({PERSON, AGENT})

    @property
    def held(self) -> set[str]:
        return {*self.there}


class Scene:
    def __init__(self) -> None:
        self.asterisk, self.ami, self.calls, self.now = Asterisk(), Ami(), Talk(), 100.0
        self.lines = LostLines(self.asterisk, self.ami, self.calls, 10.0, 20.0, lambda: self.now)

    async def reports(self, *packets: int, host: str = "192.0.2.7") -> list[str]:
        """The agent's phone says between two looks how much it has sent; who has been asked since the beginning?"""
        self.now += 5
        for channel_id in PERSON, AGENT:
            self.asterisk.heard[channel_id] = self.asterisk.heard[channel_id] | {"rtt": self.now}
        for count in packets:
            self.lines.hear_report(SenderReport(AGENT, count, host))
        await self.lines.look()
        return self.ami.asked

    async def goes_on(self, seconds: float, *speaks: str, **fields: float) -> list[str]:
        """So long both are looked at every five seconds, and something comes from those who speak."""
        for _ in range(int(seconds / 5)):
            self.now += 5
            for channel_id in speaks:
                known = self.asterisk.heard[channel_id]
                self.asterisk.heard[channel_id] = known | (fields or {"rxcount": known["rxcount"] + 250})
            await self.lines.look()
        return self.asterisk.hung_up


async def test_a_line_from_which_nothing_comes_any_more_is_hung_up_and_marked() -> None:
    scene = Scene()
    assert await scene.goes_on(30, PERSON, AGENT) == []
    assert await scene.goes_on(5, PERSON) == []
    assert await scene.goes_on(5, PERSON) == [AGENT]
    assert scene.calls.lost == {AGENT}
    assert await scene.goes_on(60, PERSON) == [AGENT]


async def test_both_may_be_lost_at_once() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    assert set(await scene.goes_on(10)) == {PERSON, AGENT}


async def test_a_caller_from_whom_nothing_ever_came_is_lost() -> None:
    scene = Scene()
    scene.asterisk.heard[PERSON] = {"rxcount": 0}
    assert await scene.goes_on(15, AGENT) == [PERSON]


async def test_a_caller_whose_line_dies_in_the_first_seconds_is_lost() -> None:
    scene = Scene()
    scene.calls.there = frozenset({AGENT})
    await scene.goes_on(10, AGENT)
    scene.calls.there = frozenset({AGENT, PERSON})
    assert await scene.goes_on(15, AGENT) == [PERSON]


async def test_a_phone_that_sends_nothing_but_reports_is_there() -> None:
    """RTCP alone, as from one that sends no silence."""
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    for number in range(1, 10):
        assert await scene.goes_on(5, PERSON, AGENT, rtt=0.001 * number) == []


async def test_who_has_not_answered_yet_need_not_send_anything() -> None:
    scene = Scene()
    scene.asterisk.heard[AGENT] = {"rxcount": 0}
    scene.asterisk.states[AGENT] = "Ringing"
    assert await scene.goes_on(60, PERSON) == []
    scene.asterisk.states[AGENT] = "Up"
    assert await scene.goes_on(5, PERSON) == []
    assert await scene.goes_on(10, PERSON) == [AGENT]


async def test_a_phone_on_hold_is_lost_when_it_does_not_answer_sip_either() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    scene.asterisk.on_hold.add(AGENT)
    assert await scene.goes_on(600, PERSON) == []
    scene.asterisk.online = False
    assert await scene.goes_on(20, PERSON) == [], "it may have missed a single question"
    scene.asterisk.online = True
    assert await scene.goes_on(20, PERSON) == []
    scene.asterisk.online = False
    assert await scene.goes_on(40, PERSON) == [AGENT]


async def test_a_phone_that_does_not_answer_sip_either_is_lost_sooner() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    scene.asterisk.online = False
    assert await scene.goes_on(20, PERSON, AGENT) == [], "sound comes from it"
    assert await scene.goes_on(5, PERSON) == [AGENT]


async def test_what_is_silent_since_before_the_app_came_may_be_on_hold() -> None:
    """Nobody told an app that has only just connected of the hold; a person behind a trunk is Asterisk's to find."""
    scene = Scene()
    await scene.goes_on(20, PERSON, AGENT)
    scene.asterisk.connections += 1
    assert await scene.goes_on(600) == []
    scene.asterisk.online = False
    assert await scene.goes_on(40) == [AGENT]


async def test_a_silent_line_is_asked_once_before_it_is_lost() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    assert scene.ami.asked == []
    await scene.goes_on(5, PERSON)
    assert scene.ami.asked == ["PJSIP/alice-desk-00000002"]
    assert await scene.goes_on(10, PERSON, AGENT) == [], "it answered, and its sound is heard again"
    assert len(scene.ami.asked) == 1
    scene.ami.error = AsteriskUnreachable("AMI does not answer")
    assert await scene.goes_on(10, AGENT) == [PERSON]
    assert scene.ami.asked[1:] == ["PJSIP/trunk-demo-00000001"]


async def test_neither_who_holds_nor_who_reports_nor_a_browser_nor_a_phone_without_sip_is_asked() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    scene.asterisk.on_hold.add(AGENT)
    await scene.goes_on(60, PERSON)
    scene.asterisk.on_hold.clear()
    for number in range(1, 10):
        await scene.goes_on(5, PERSON, AGENT, rtt=0.001 * number)
    scene.asterisk.uris[AGENT] = "sip:k3f@127.0.0.1:40000;transport=WS"
    await scene.goes_on(5, PERSON)
    await scene.goes_on(5, PERSON, AGENT)
    scene.asterisk.online = False
    assert await scene.goes_on(5, PERSON) == [AGENT]
    assert scene.ami.asked == []


async def test_a_phone_that_reports_more_sound_than_arrives_is_asked_once() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    assert await scene.reports(500) == []
    assert await scene.reports(750) == ["PJSIP/alice-desk-00000002"]
    assert await scene.reports(1000, 1250) == ["PJSIP/alice-desk-00000002"]
    await scene.goes_on(5, PERSON, AGENT)
    assert await scene.reports(1500, 1750) == ["PJSIP/alice-desk-00000002"] * 2, "it has moved once more"


async def test_a_phone_that_begins_to_count_anew_is_asked_by_its_new_count() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    assert await scene.reports(500, 20) == []
    assert await scene.reports(270) == ["PJSIP/alice-desk-00000002"]


async def test_neither_a_muted_phone_nor_one_that_is_heard_nor_one_on_hold_is_asked_for_its_reports() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    for _ in range(5):
        assert await scene.reports(500, 520) == [], "a packet may be lost on its way"
    for count in range(750, 2000, 250):
        scene.asterisk.heard[AGENT] = {"rxcount": count}
        assert await scene.reports(count, count + 100) == []
    scene.asterisk.on_hold.add(AGENT)
    assert await scene.reports(3000, 4000) == []


async def test_reports_from_another_host_count_only_when_encrypted() -> None:
    scene = Scene()
    await scene.goes_on(10, PERSON, AGENT)
    assert await scene.reports(500, 1000, host="198.51.100.1") == []
    assert await scene.reports(0, 1000, host="198.51.100.1") == []
    assert await scene.reports(1000) == [], "what a stranger counts is no measure of what the phone does"
    scene.asterisk.secure = AGENT
    assert await scene.reports(1500, 2000, host="198.51.100.1") == ["PJSIP/alice-desk-00000002"]


async def test_reports_of_lines_that_are_not_ours_are_passed_over() -> None:
    scene = Scene()
    await scene.goes_on(5, PERSON, AGENT)
    for count in 500, 1000:
        scene.lines.hear_report(SenderReport("1772460000.9", count, "192.0.2.7"))
    assert await scene.reports() == []
