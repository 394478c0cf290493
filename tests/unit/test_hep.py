"""What Asterisk's copies of SIP messages say."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ari_app.edge.hep import InviteAnswer, Invites, MessagePath, read
from crm.config import Config
from crm.services.routing import arrivals

pytestmark = pytest.mark.unit

CONFIG = Config(Path("/nowhere"))
PASSWORD = "capture"
CARRIER = MessagePath("192.0.2.7", 5060, "10.0.0.1")
INVITE = (
    "INVITE sip:+15125550100@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
    'f: "Ann"\r\n  <sip:+15125550123@carrier>;tag=1\r\nTo: <sip:+15125550100@10.0.0.1>\r\ni: one@carrier\r\n'
    'CSeq: 2  INVITE\r\nPrivacy: none\r\nAuthorization: Digest username="trunk-acme"\r\n\r\nv=0\r\nPrivacy: id'
)


def reply(status: str, cseq: str = "2 INVITE", call: str = "one@carrier") -> str:
    return f"SIP/2.0 {status}\r\nCall-ID: {call}\r\nTo: <sip:+15125550100@10.0.0.1>;tag=2\r\nCSeq: {cseq}\r\n\r\n"


def chunk(kind: int, data: bytes, vendor: int = 0) -> bytes:
    return struct.pack("!HHH", vendor, kind, len(data) + 6) + data


def packet(text: str, *, password: str = PASSWORD, source: bytes = bytes([192, 0, 2, 7])) -> bytes:
    body = chunk(1, b"\x02") + chunk(3, source) + chunk(4, bytes([10, 0, 0, 1])) + chunk(7, struct.pack("!H", 5060))
    body += chunk(0x0E, password.encode()) + chunk(3, b"\0\0\0\0", vendor=1)
    body += chunk(0x0F, text.encode())
    return b"HEP3" + struct.pack("!H", len(body) + 6) + body


def heard(*texts: str, wanted: Collection[int] = range(180, 700)) -> Sequence[InviteAnswer]:
    invites = Invites(["from", "privacy"], PASSWORD, lambda status: status in wanted)
    return [found for text in texts if (found := invites.hear(packet(text)))]


TRYING = "SIP/2.0 100 Trying\r\nCall-ID: one@carrier\r\nCSeq: 2 INVITE\r\n\r\n"
AGAIN = [(seconds, INVITE) for seconds in (0.5, 1.5, 3.5)]


@pytest.mark.parametrize(
    ("texts", "is_ignored"),
    [
        ([(0, INVITE), *AGAIN], True),
        ([(0, INVITE), *AGAIN, (7.5, TRYING)], False),
        ([(0, INVITE), *AGAIN, (7.5, reply("503 Busy"))], False),
        ([(0, INVITE), (0.1, TRYING), *AGAIN[:1], (60, reply("200 OK"))], False),
        ([(0, INVITE), (0.5, INVITE)], False),
        ([(seconds, INVITE.replace("10.0.0.1>", "10.0.0.1>;tag=9")) for seconds in (0, 1, 2)], False),
    ],
    ids=["ignored", "taken late", "refused", "rings for long", "its answer was missed", "within a call"],
)
def test_an_invite_without_any_answer_is_known_once_nobody_sends_it_again(
    texts: Sequence[tuple[float, str]], is_ignored: bool
) -> None:
    clock = iter((*(at for at, text in texts if text.startswith("INVITE")), 34.9, 35.1, 36.0))
    invites = Invites(["from"], PASSWORD, lambda status: False, lambda: next(clock))
    for _, text in texts:
        invites.hear(packet(text))
    assert invites.unanswered() == []
    found = invites.unanswered()
    assert [(one.status, one.way, one.call) for one in found] == ([(408, CARRIER, "one@carrier")] if is_ignored else [])
    assert invites.unanswered() == []


def test_a_packet_is_its_source_and_its_text() -> None:
    assert read(packet(INVITE), PASSWORD) == (CARRIER, INVITE)


@pytest.mark.parametrize(
    "data",
    [
        packet(INVITE, password="another"),
        packet(INVITE, source=b""),
        packet(INVITE)[:-1],
        packet(INVITE) + b"x",
        b"HEP2" + packet(INVITE)[4:],
        b"HEP3" + struct.pack("!H", 12) + struct.pack("!HHH", 0, 15, 0),
        b"",
    ],
)
def test_what_is_no_packet_of_our_asterisk_is_none(data: bytes) -> None:
    assert read(data, PASSWORD) is None


def test_an_answer_has_the_headers_of_its_invite() -> None:
    [answer] = heard(INVITE, reply("100 Trying"), reply("488 Not Acceptable Here"))
    assert (answer.status, answer.way, answer.uri) == (488, CARRIER, "sip:+15125550100@10.0.0.1")
    assert (answer.call, answer.user) == ("one@carrier", "trunk-acme")
    assert answer.headers["from"] == ('"Ann" <sip:+15125550123@carrier>;tag=1',)
    assert answer.headers["privacy"] == ("none",)


def test_a_final_answer_is_told_once_and_ringing_before_it() -> None:
    answers = heard(INVITE, reply("180 Ringing"), reply("200 OK"), reply("200 OK"))
    assert [answer.status for answer in answers] == [180, 200]


def test_only_an_answer_that_is_wanted_is_told() -> None:
    answers = heard(INVITE, reply("180 Ringing"), reply("488 Not Acceptable Here"), wanted={488})
    assert [answer.status for answer in answers] == [488]
    assert heard(INVITE, reply("486 Busy Here"), reply("488 Not Acceptable Here"), wanted={420}) == []


@pytest.mark.parametrize(
    "texts",
    [
        (reply("488 Not Acceptable Here"),),
        (INVITE.replace("10.0.0.1>", "10.0.0.1>;tag=7"), reply("488 Not Acceptable Here")),
        (INVITE, reply("488 Not Acceptable Here", cseq="1 INVITE")),
        (INVITE, reply("488 Not Acceptable Here", call="two@carrier")),
        (INVITE.replace("INVITE", "MESSAGE"), reply("488 Not Acceptable Here", cseq="2 MESSAGE")),
        (INVITE.replace("CSeq: ", "X: "), reply("488 Not Acceptable Here")),
    ],
)
def test_what_is_no_answer_to_a_call_that_begins_is_none(texts: tuple[str, ...]) -> None:
    assert heard(*texts) == []


def test_of_very_many_invites_the_oldest_is_forgotten() -> None:
    others = (INVITE.replace("one@carrier", f"{number}@carrier") for number in range(1000))
    assert heard(INVITE, *others, reply("488 Not"), reply("488 Not", call="999@carrier"))[0].call == "999@carrier"
    long = (INVITE.replace("one@carrier", f"{number}@carrier") + "x" * 60_000 for number in range(50))
    assert heard(INVITE, *long, reply("488 Not"), reply("488 Not", call="49@carrier"))[0].call == "49@carrier"


@pytest.mark.parametrize("wanted", [{488}, set[int]()], ids=["refusals are wanted", "nothing is"])
@pytest.mark.parametrize("status", ["200 OK", "486 Busy Here", "401 Unauthorized"])
def test_an_invite_is_kept_until_its_final_answer(status: str, wanted: Collection[int]) -> None:
    invites = Invites(["from"], PASSWORD, lambda status: status in wanted)
    for number in range(20):
        call = f"{number}@carrier"
        invites.hear(packet(INVITE.replace("one@carrier", call)))
        for text in (reply("180 Ringing", call=call), reply("200 OK", cseq="2 CANCEL", call=call)):
            invites.hear(packet(text))
        assert len(invites._kept) == 1
        invites.hear(packet(reply(status, call=call), password="another"))
        assert len(invites._kept) == 1, "that was not our Asterisk"
        invites.hear(packet(reply(status, call=call)))
        assert (len(invites._kept), invites._bytes) == (0, 0)


def test_an_invite_that_is_not_from_our_asterisk_is_not_kept_and_replaces_none() -> None:
    invites = Invites(["from"], PASSWORD, lambda status: True)
    assert invites.hear(packet(INVITE)) is None
    assert invites.hear(packet(INVITE.replace("+15125550123", "+15125550199"), password="another")) is None
    assert invites.hear(packet(reply("488 Not"), password="another")) is None
    answer = invites.hear(packet(reply("488 Not")))
    assert answer
    assert "+15125550123" in answer.headers["from"][0]


@pytest.mark.parametrize(
    ("way", "comes_in"),
    [
        (MessagePath("192.0.2.7", 5060, "127.0.0.1"), True),
        (MessagePath("127.0.0.1", 5090, "127.0.0.1"), True),
        (MessagePath("127.0.0.1", 5060, "127.0.0.1"), False),
        (MessagePath("127.0.0.1", 5060, "192.0.2.7"), False),
    ],
)
def test_which_invites_came_to_us(way: MessagePath, comes_in: bool) -> None:
    assert way.is_in((5060, 5061)) == comes_in


LINES = st.lists(
    st.sampled_from([*INVITE.split("\r\n"), *reply("488 x").split("\r\n"), ":", " ", "\t", "i:", "To:", "CSeq:"])
)


@given(st.binary(max_size=200) | LINES.map(lambda lines: packet("\r\n".join(lines))))
@example(b"HEP3\x00\x0c\x00\x00\x00\x0f\x00\x07")
def test_no_bytes_raise(data: bytes) -> None:
    invites = Invites(["from", "privacy"], PASSWORD, lambda status: True)
    for part in (data, packet(data.decode("utf-8", "replace"))):
        read(part, PASSWORD)
        invites.hear(part)
        if answer := invites.hear(packet(reply("488 x"))):
            assert (answer.call, isinstance(answer.user, str)) == ("one@carrier", True)
            assert arrivals.of_headers(CONFIG, answer.uri, answer.headers).caller in (None, "+15125550123")
