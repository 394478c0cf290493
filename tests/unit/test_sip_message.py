"""Texts over SIP, against a peer on a real socket that behaves as told: well, slowly, badly, or not at all."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sipmessage import Message, Request

from crm.edge import digest, sip_message
from crm.edge.carrier import CarrierError, CarrierUnknown, OutgoingText
from crm.edge.sip_message import SipCarriers, SipMessageCarrier, SipPeer, Timers
from crm.services.outbox.carriers import InOrder

pytestmark = pytest.mark.unit

QUICK = Timers(t1=0.02, t2=0.08, f=0.4, asked=0.2, connect=2.0)
TEXT = OutgoingText(
    key="link:1732233600.7",
    to_number="+15125550100",
    from_number="+15125550199",
    body="Zwölf homes 🏠: https://example.com",
)

Behaviour = Callable[[Request], list[bytes]]


class Peer:
    """The trunk's other end. `behaviour` gives the packets that answer a request; all requests are kept.

    One that comes again, as it does over UDP when an answer is late, gets the same answer (RFC 3261, 17.2.2); only if
    it had none, `behaviour` is asked again.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[Request] = []
        """Without those that came again."""
        self.arrived: list[bytes] = []
        """Everything, as it came."""
        self._answers: dict[tuple[str, str], list[bytes]] = {}
        self.connections = 0
        self.port = 0
        self.senders: set[object] = set()
        self._asked = asyncio.Event()

    async def asked(self, times: int) -> None:
        """Returns when so many requests have come."""
        async with asyncio.timeout(60):
            while len(self.requests) < times:
                await self._asked.wait()
                self._asked.clear()

    def answer(self, data: bytes) -> list[bytes]:
        request = Message.parse(data)
        assert isinstance(request, Request)
        self.arrived.append(data)
        transaction = (str(request.via[0].parameters["branch"]), str(request.cseq))
        if transaction not in self._answers:
            self.requests.append(request)
            self._asked.set()
        answers = self._answers.get(transaction) or self.behaviour(request)
        self._answers[transaction] = answers
        return answers


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.peer.senders.add(addr)
        for packet in self.peer.answer(data):
            self.transport.sendto(packet, addr)


@asynccontextmanager
async def udp_peer(behaviour: Behaviour) -> AsyncIterator[Peer]:
    peer = Peer(behaviour)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(peer), local_addr=("127.0.0.1", 0)
    )
    peer.port = transport.get_extra_info("sockname")[1]
    try:
        yield peer
    finally:
        transport.close()


@asynccontextmanager
async def tcp_peer(behaviour: Behaviour, *, hang_up_after_answer: bool = False) -> AsyncIterator[Peer]:
    peer = Peer(behaviour)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
                for packet in peer.answer(head + await reader.readexactly(length)):
                    writer.write(packet)
                if hang_up_after_answer:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()


@asynccontextmanager
async def carrier_to(
    port: int, transport: str = "udp", username: str = "", password: str = "", timers: Timers = QUICK
) -> AsyncIterator[SipMessageCarrier]:
    carrier = SipMessageCarrier(
        SipPeer(host="127.0.0.1", port=port, transport=transport, username=username, password=password), timers
    )
    try:
        yield carrier
    finally:
        carrier.close()
        # A closed transport is gone after the loop has gone round.
        await asyncio.sleep(0)


def response(request: Request, code: int, phrase: str = "Whatever", *headers: str) -> bytes:
    copied = [f"{name}: {request.headers[name]}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
    return "\r\n".join([f"SIP/2.0 {code} {phrase}", *copied, *headers, "Content-Length: 0", "", ""]).encode()


def always(code: int, phrase: str = "Whatever", *headers: str) -> Behaviour:
    return lambda request: [response(request, code, phrase, *headers)]


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request gets the first behaviour, and so on; the last one stays."""
    left = list(behaviours)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


def silent(request: Request) -> list[bytes]:
    return []


class TestRequest:
    async def test_the_text_arrives_as_written_and_the_headers_name_both_numbers(self) -> None:
        async with udp_peer(always(200)) as peer, carrier_to(peer.port) as carrier:
            await carrier.send(TEXT)
        (request,) = peer.requests
        assert request.method == "MESSAGE"
        assert str(request.uri) == f"sip:+15125550100@127.0.0.1:{peer.port};user=phone"
        assert str(request.to_address.uri) == str(request.uri)
        assert str(request.from_address.uri) == "sip:+15125550199@127.0.0.1;user=phone"
        assert request.from_address.parameters["tag"]
        assert request.body.decode() == TEXT.body
        assert request.content_length == len(request.body)
        assert str(request.content_type) == "text/plain;charset=UTF-8"
        assert request.via[0].parameters["branch"].startswith("z9hG4bK")  # type: ignore[union-attr]
        assert "rport" in request.via[0].parameters
        assert "Contact" not in request.headers.keys()  # noqa: SIM118 - RFC 3428: a MESSAGE has none; Headers is no mapping

    async def test_an_extension_is_not_called_a_telephone_number(self) -> None:
        async with udp_peer(always(202)) as peer, carrier_to(peer.port) as carrier:
            await carrier.send(OutgoingText(key="k", to_number="6001", from_number="6002", body="hi"))
        assert str(peer.requests[0].uri) == f"sip:6001@127.0.0.1:{peer.port}"

    async def test_each_try_of_a_text_is_the_same_message_with_a_higher_sequence(self) -> None:
        async with udp_peer(in_turn(always(503), always(200))) as peer, carrier_to(peer.port) as carrier:
            with pytest.raises(CarrierError) as failed:
                await carrier.send(TEXT)
            again = OutgoingText(TEXT.key, TEXT.to_number, TEXT.from_number, TEXT.body, attempt=2)
            await carrier.send(again)
            other = OutgoingText("another", TEXT.to_number, TEXT.from_number, TEXT.body)
            await carrier.send(other)
        assert failed.value.retryable
        first, second, third = peer.requests
        assert first.call_id == second.call_id != third.call_id
        assert first.from_address.parameters["tag"] == second.from_address.parameters["tag"]
        assert first.cseq.sequence < second.cseq.sequence
        assert first.via[0].parameters["branch"] != second.via[0].parameters["branch"]

    @pytest.mark.parametrize(
        "number", ["", "+1 512", "a\r\nX: y", "+1512\r\nRoute: <sip:evil>", "1;x=y", "anonymous", "٥٥٥", "1" * 41]
    )
    @pytest.mark.parametrize("field", ["to_number", "from_number"])
    async def test_what_is_no_number_reaches_no_header(self, number: str, field: str) -> None:
        text = dataclasses.replace(TEXT, **{field: number})  # type: ignore[arg-type]
        async with udp_peer(always(200)) as peer, carrier_to(peer.port) as carrier:
            with pytest.raises(CarrierError) as failed:
                await carrier.send(text)
        assert not failed.value.retryable
        assert not peer.requests
        assert number not in str(failed.value) or not number

    @pytest.mark.parametrize("host", ["a b", "evil\r\nX: y", "host;lr", "h@x", "[::1", "x" * 300, "10.0.0.300"])
    async def test_what_is_no_host_reaches_no_header(self, host: str) -> None:
        for peer in (SipPeer(host=host), SipPeer(host="127.0.0.1", our_host=host)):
            with pytest.raises(CarrierError, match="is not a host name or address") as failed:
                await SipMessageCarrier(peer, QUICK).send(TEXT)
            assert not failed.value.retryable
            assert "\n" not in str(failed.value)

    async def test_a_body_is_only_ever_a_body(self) -> None:
        body = "hi\r\n\r\nINVITE sip:1 SIP/2.0\r\nVia: x\r\n\r\n\0${EXTEN}"
        async with udp_peer(always(200)) as peer, carrier_to(peer.port) as carrier:
            await carrier.send(OutgoingText(key="a\r\nb", to_number="+15125550100", from_number="6001", body=body))
        assert len(peer.requests) == 1
        assert peer.requests[0].body.decode() == body

    async def test_when_a_text_is_too_long_for_udp_then_it_is_refused_and_tcp_takes_it(self) -> None:
        long = OutgoingText(key="k", to_number="+15125550100", from_number="+15125550199", body="é" * 651)
        async with udp_peer(always(200)) as peer, carrier_to(peer.port) as carrier:
            with pytest.raises(CarrierError, match="longer than 1300 bytes"):
                await carrier.send(long)
        async with tcp_peer(always(200)) as peer, carrier_to(peer.port, "tcp") as carrier:
            await carrier.send(long)
        assert len(peer.requests[0].body) == 1302


class TestAnswers:
    @pytest.mark.parametrize("code", [200, 202, 299])
    async def test_success(self, code: int) -> None:
        async with udp_peer(always(code)) as peer, carrier_to(peer.port) as carrier:
            await carrier.send(TEXT)
        [request] = peer.requests
        assert (request.method, request.uri.user, request.body) == ("MESSAGE", TEXT.to_number, TEXT.body.encode())

    @pytest.mark.parametrize(
        ("code", "retryable"),
        [
            *((code, False) for code in (302, 400, 403, 404, 405, 415, 481, 501, 513, 600, 603)),
            *((code, True) for code in (408, 480, 500, 503, 504)),
        ],
    )
    @pytest.mark.parametrize("transport", ["udp", "tcp"])
    async def test_refusal(self, code: int, retryable: bool, transport: str) -> None:
        serve = udp_peer if transport == "udp" else tcp_peer
        async with serve(always(code, "No \x07bell")) as peer, carrier_to(peer.port, transport) as carrier:
            with pytest.raises(CarrierError) as failed:
                await carrier.send(TEXT)
        assert failed.value.retryable is retryable
        assert not isinstance(failed.value, CarrierUnknown)
        assert f"{code} No bell" in str(failed.value)
        assert "5125550" not in str(failed.value)
        assert len(peer.requests) == 1

    @pytest.mark.parametrize(
        ("header", "seconds"),
        [
            ("120", 120.0),
            ("18000;duration=3600", 18000.0),
            ("5 (I'm in a meeting)", 5.0),
            ("999999999", 86400.0),
            ("soon", None),
            ("-1", None),
            ("99999999999999999999", None),
        ],
    )
    async def test_the_peer_says_when_to_come_back(self, header: str, seconds: float | None) -> None:
        async with udp_peer(always(503, "Busy", f"Retry-After: {header}")) as peer, carrier_to(peer.port) as carrier:
            with pytest.raises(CarrierError) as failed:
                await carrier.send(TEXT)
        assert failed.value.retry_after_seconds == seconds

    async def test_answers_written_in_unusual_ways_are_understood(self) -> None:
        def odd(request: Request) -> list[bytes]:
            via = request.headers["Via"]
            lines = [
                "SIP/2.0 200 OK",
                f"v : {via};received=2001:db8::1",
                "Server: caf\xe9",
                "f: <sip:x>",
                "t: x",
                f"i:{request.call_id}",
                f"CSEQ:\t{request.cseq.sequence}\r\n  MESSAGE",
                "l: 0",
                "",
                "",
            ]
            return ["\r\n".join(lines).encode("latin-1")]

        async with udp_peer(odd) as peer, carrier_to(peer.port) as carrier:
            await carrier.send(TEXT)
        async with tcp_peer(odd) as peer, carrier_to(peer.port, "tcp") as carrier:
            await carrier.send(TEXT)

    async def test_provisional_answers_and_those_to_others_do_not_count(self) -> None:
        def foreign(request: Request) -> list[bytes]:
            good = response(request, 200)
            wrong_branch = good.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx")
            wrong_sequence = good.replace(b" MESSAGE", b"9 MESSAGE")
            return [response(request, 100), wrong_branch, wrong_sequence, response(request, 404)]

        async with udp_peer(foreign) as peer, carrier_to(peer.port) as carrier:
            with pytest.raises(CarrierError, match="404"):
                await carrier.send(TEXT)
        assert len(peer.requests) == 1

    async def test_garbage_before_the_answer_does_no_harm(self) -> None:
        junk = [
            b"",
            b"\r\n\r\n",
            b"\0" * 500,
            b"\xff\xfe\r\n\r\n\xff",
            b"SIP/2.0 abc OK\r\n\r\n",
            b"SIP/2.0 200 OK\r\n\r\n",
            b"SIP/2.0 200 OK\r\nno colon\r\n\r\n",
            b"SIP/2.0 99999 OK\r\nVia: x\r\n\r\n",
            b"SIP/2.0 200 OK\r\nVia: ;;;;branch=\r\nCSeq: \r\n\r\n",
            b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP x;self=1\r\n\r\n",
        ]
        async with udp_peer(lambda request: [*junk, response(request, 200)]) as peer, carrier_to(peer.port) as carrier:
            await carrier.send(TEXT)
        async with udp_peer(lambda request: junk) as peer, carrier_to(peer.port) as carrier:
            with pytest.raises(CarrierUnknown):
                await carrier.send(TEXT)

    @settings(max_examples=300, deadline=500)
    @given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=20))
    def test_nothing_from_the_network_raises(self, junk: bytes, at: int, inserted: bytes) -> None:
        good = (
            b"SIP/2.0 401 No\r\nVia: SIP/2.0/UDP 1.2.3.4:5;branch=z9;rport\r\nCSeq: 1 MESSAGE\r\n"
            b'WWW-Authenticate: Digest realm="a",nonce="b", qop="auth,auth-int",algorithm=MD5\r\n'
            b"Retry-After: 5\r\nContent-Length: 0\r\n\r\n"
        )
        for data in (junk, good[:at] + inserted + good[at:], good[:at]):
            answer = sip_message._read(data)
            if answer is not None:
                digest.best(answer.headers.getlist("WWW-Authenticate"))
                sip_message._retry_after(answer.headers.get("Retry-After"))

    @pytest.mark.timeout(30)
    def test_no_answer_makes_it_hang(self) -> None:
        for filler in (b" ", b'"', b'\\"', b"a=", b"a,", b";branch", b"-a", b"\r\n ", b"a="):
            value = filler * (60_000 // len(filler))
            headers = b"\r\nVia: " + value + b"\r\nWWW-Authenticate: Digest " + value
            answer = sip_message._read(b"SIP/2.0 401 x" + headers + b"\r\n\r\n")
            if answer is not None:
                sip_message._BRANCH.search(answer.headers.get("Via") or "")
                digest.best(answer.headers.getlist("WWW-Authenticate"))


class TestLoss:
    async def test_when_the_first_packet_is_lost_then_the_same_request_is_repeated(self) -> None:
        async with udp_peer(in_turn(silent, silent, always(200))) as peer, carrier_to(peer.port) as carrier:
            await carrier.send(TEXT)
        assert len(peer.arrived) >= 3
        assert len(set(peer.arrived)) == 1

    async def test_when_nobody_answers_then_the_fate_is_unknown_and_repeats_slow_down(self) -> None:
        async with udp_peer(silent) as peer, carrier_to(peer.port) as carrier:
            with pytest.raises(CarrierUnknown, match="may or may not have arrived"):
                await carrier.send(TEXT)
        # At 0, 20, 60, 140, 220, 300 and 380 ms: doubled up to t2.
        assert 3 <= len(peer.arrived) <= 7

    async def test_over_tcp_nothing_is_repeated(self) -> None:
        async with tcp_peer(silent) as peer, carrier_to(peer.port, "tcp") as carrier:
            with pytest.raises(CarrierUnknown):
                await carrier.send(TEXT)
        assert len(peer.arrived) == 1

    async def test_a_late_or_repeated_answer_is_not_taken_for_the_next_text(self) -> None:
        kept: list[bytes] = []

        def twice(request: Request) -> list[bytes]:
            kept.append(response(request, 200))
            return [kept[-1]] * 5

        def old_then_refused(request: Request) -> list[bytes]:
            return [*kept, response(request, 404)]

        async with udp_peer(in_turn(twice, old_then_refused)) as peer, carrier_to(peer.port) as carrier:
            await carrier.send(TEXT)
            with pytest.raises(CarrierError, match="404"):
                await carrier.send(OutgoingText("second", TEXT.to_number, TEXT.from_number, "hi"))
        assert len(peer.senders) == 1, "both texts went out from one socket"

    @pytest.mark.parametrize("transport", ["udp", "tcp"])
    async def test_when_nobody_listens_then_it_was_certainly_not_sent(self, transport: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        async with carrier_to(port, transport) as carrier:
            for _ in range(2):
                with pytest.raises(CarrierError, match="cannot be reached") as failed:
                    await carrier.send(TEXT)
                assert failed.value.retryable
            if transport == "udp":
                # Back again on the same port: the old refusal is forgotten.
                peer = Peer(always(200))
                made, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: _Datagrams(peer), local_addr=("127.0.0.1", port)
                )
                await carrier.send(TEXT)
                made.close()

    async def test_when_the_peer_vanishes_after_the_first_packet_then_the_fate_is_unknown(self) -> None:
        async with udp_peer(silent) as peer:
            carrier = SipMessageCarrier(SipPeer(host="127.0.0.1", port=peer.port), QUICK)
            sending = asyncio.create_task(carrier.send(TEXT))
            await peer.asked(1)
        # The peer's socket is closed now: repeats are refused, but the first packet was taken.
        with pytest.raises(CarrierUnknown):
            await sending
        assert len(peer.requests) == 1

    async def test_when_the_connection_ends_without_an_answer_then_the_fate_is_unknown(self) -> None:
        async with tcp_peer(silent, hang_up_after_answer=True) as peer, carrier_to(peer.port, "tcp") as carrier:
            with pytest.raises(CarrierUnknown, match="closed the connection"):
                await carrier.send(TEXT)

    async def test_a_closed_connection_is_opened_again_for_the_next_text(self) -> None:
        async with tcp_peer(always(200), hang_up_after_answer=True) as peer, carrier_to(peer.port, "tcp") as carrier:
            await carrier.send(TEXT)
            (link,) = carrier._free
            assert isinstance(link, sip_message._TcpLink)
            # The peer's end of the connection has been read.
            await asyncio.wait_for(asyncio.shield(link._task), 5)
            await carrier.send(TEXT)
        assert peer.connections == 2

    async def test_one_connection_serves_many_texts_until_it_has_idled_too_long(self) -> None:
        async with tcp_peer(always(200)) as peer:
            async with carrier_to(peer.port, "tcp") as carrier:
                for _ in range(20):
                    await carrier.send(TEXT)
                assert peer.connections == 1
            async with carrier_to(peer.port, "tcp", timers=Timers(idle=0.0)) as carrier:
                await carrier.send(TEXT)
                await carrier.send(TEXT)
        assert peer.connections == 3
        assert len(peer.requests) == 22

    async def test_when_what_comes_over_tcp_is_not_sip_then_the_connection_is_given_up(self) -> None:
        behaviour = in_turn(lambda _: [b"HTTP/1.1 400 Bad Request\r\n\r\n"], lambda _: [b"x" * 200_000], always(200))
        async with tcp_peer(behaviour) as peer, carrier_to(peer.port, "tcp") as carrier:
            for _ in range(2):
                with pytest.raises(CarrierUnknown, match="closed the connection"):
                    await carrier.send(TEXT)
            await carrier.send(TEXT)

    async def test_answers_that_arrive_in_pieces_or_after_keep_alives_are_read(self) -> None:
        def in_pieces(request: Request) -> list[bytes]:
            with_body = response(request, 200).replace(b"Content-Length: 0\r\n\r\n", b"Content-Length: 4\r\n\r\nbody")
            return [bytes([byte]) for byte in b"\r\n\r\n\r\n" + with_body]

        async with tcp_peer(in_pieces) as peer, carrier_to(peer.port, "tcp") as carrier:
            await carrier.send(TEXT)
            await carrier.send(TEXT)
        assert peer.connections == 1

    async def test_when_the_host_has_no_address_then_it_can_be_tried_again(self) -> None:
        with pytest.raises(CarrierError, match=r"pbx\.invalid was not found") as failed:
            await SipMessageCarrier(SipPeer(host="pbx.invalid"), QUICK).send(TEXT)
        assert failed.value.retryable


def challenging(challenge: str, code: int = 401) -> Behaviour:
    """Accepts user acme with password s3cret, checked as RFC 7616 says; any other request gets the challenge again."""
    wanted, sent = (
        ("WWW-Authenticate", "Authorization") if code == 401 else ("Proxy-Authenticate", "Proxy-Authorization")
    )

    def serve(request: Request) -> list[bytes]:
        header = request.headers.get(sent)
        if header and _is_right(header, challenge, str(request.uri)):
            return [response(request, 200)]
        return [response(request, code, "Who", *(f"{wanted}: {line}" for line in challenge.split("\n")))]

    return serve


def _is_right(header: str, challenge: str, uri: str) -> bool:
    words = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))', header)
    said = {name: quoted or plain for name, quoted, plain in words}
    algorithm = said.get("algorithm", "MD5").upper()
    kind = hashlib.sha256 if algorithm.startswith("SHA-256") else hashlib.md5

    def hashed(*parts: str) -> str:
        return kind(":".join(parts).encode()).hexdigest()

    secret = hashed("acme", said["realm"], "s3cret")
    if algorithm.endswith("-SESS"):
        secret = hashed(secret, said["nonce"], said["cnonce"])
    qop = [said[name] for name in ("nc", "cnonce", "qop")] if "qop" in said else []
    expected = hashed(secret, said["nonce"], *qop, hashed("MESSAGE", uri))
    same = (said["username"], said["uri"], said["response"]) == ("acme", uri, expected)
    return same and f'nonce="{said["nonce"]}"' in challenge and f'realm="{said["realm"]}"' in challenge


class TestDigest:
    @pytest.mark.parametrize(
        "challenge",
        [
            'Digest realm="acme", nonce="n1"',
            'Digest realm="acme",nonce="n1",qop="auth"',
            'Digest realm="acme, Inc.", nonce="n1", opaque="o", qop="auth,auth-int", algorithm=MD5',
            'digest  realm="acme", nonce="n1" , algorithm=SHA-256 , qop=auth',
            'Digest realm="acme", nonce="n1", algorithm=md5-sess, qop="auth"',
            'Digest realm="acme", nonce="n1", algorithm="SHA-256-sess", qop="auth"',
            'Digest realm="a\\"b", nonce="n1", domain="sip:x", userhash=false, qop="auth"',
            'Digest realm="a", nonce="n1", algorithm=SHA-512-256\nDigest realm="a", nonce="n2", algorithm=SHA-256',
            'Basic realm="acme"\nDigest realm="acme", nonce="n1", algorithm=MD5, qop="auth"',
        ],
    )
    @pytest.mark.parametrize("code", [401, 407])
    async def test_a_challenge_is_answered(self, challenge: str, code: int) -> None:
        behaviour = challenging(challenge, code=code)
        async with udp_peer(behaviour) as peer, carrier_to(peer.port, "udp", "acme", "s3cret") as carrier:
            await carrier.send(TEXT)
        first, second = peer.requests
        assert first.call_id == second.call_id
        assert second.cseq.sequence == first.cseq.sequence + 1
        assert first.via[0].parameters["branch"] != second.via[0].parameters["branch"]

    async def test_over_tcp_the_connection_is_kept_between_both_requests(self) -> None:
        behaviour = challenging('Digest realm="acme", nonce="n1", qop="auth"')
        async with tcp_peer(behaviour) as peer, carrier_to(peer.port, "tcp", "acme", "s3cret") as carrier:
            await carrier.send(TEXT)
        assert (peer.connections, len(peer.requests)) == (1, 2)

    async def test_a_stale_nonce_is_replaced(self) -> None:
        first = always(401, "Who", 'WWW-Authenticate: Digest realm="acme", nonce="n1", qop="auth"')
        behaviour = in_turn(first, challenging('Digest realm="acme", nonce="n2", qop="auth", stale=TRUE'))
        async with udp_peer(behaviour) as peer, carrier_to(peer.port, "udp", "acme", "s3cret") as carrier:
            await carrier.send(TEXT)
        assert len(peer.requests) == 3
        assert 'nonce="n2"' in peer.requests[2].headers["Authorization"]

    async def test_a_wrong_password_is_told_and_not_tried_again_and_again(self) -> None:
        behaviour = challenging('Digest realm="acme", nonce="n1", qop="auth"')
        async with udp_peer(behaviour) as peer, carrier_to(peer.port, "udp", "acme", "wrong") as carrier:
            with pytest.raises(CarrierError, match="does not accept") as failed:
                await carrier.send(TEXT)
        assert not failed.value.retryable
        assert len(peer.requests) == 2
        assert "wrong" not in str(failed.value)

    async def test_a_peer_that_always_finds_the_nonce_stale_is_left(self) -> None:
        behaviour = always(401, "No", 'WWW-Authenticate: Digest realm="a", nonce="n", stale=true')
        async with udp_peer(behaviour) as peer, carrier_to(peer.port, "udp", "acme", "x") as carrier:
            with pytest.raises(CarrierError, match="keeps asking for the password"):
                await carrier.send(TEXT)
        assert len(peer.requests) == sip_message.MOST_REQUESTS

    async def test_a_proxy_and_a_server_may_both_ask(self) -> None:
        def both(request: Request) -> list[bytes]:
            if not request.headers.get("Proxy-Authorization"):
                return always(407, "Proxy", 'Proxy-Authenticate: Digest realm="p", nonce="1"')(request)
            if not request.headers.get("Authorization"):
                return always(401, "Server", 'WWW-Authenticate: Digest realm="s", nonce="2"')(request)
            return always(200)(request)

        async with udp_peer(both) as peer, carrier_to(peer.port, "udp", "acme", "x") as carrier:
            await carrier.send(TEXT)
        assert len(peer.requests) == 3

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Digest",
            "Digest realm=",
            'Digest realm="x"',
            'Digest realm="x", nonce="y", algorithm=AKAv1-MD5',
            'Digest realm="x", nonce="y", qop="auth-int"',
            'Digest realm="x\x01", nonce="y"',
            'Basic realm="x"',
            "Digest " + "a=" * 5000,
        ],
    )
    async def test_a_challenge_that_cannot_be_answered_is_told(self, header: str) -> None:
        behaviour = always(401, "No", f"WWW-Authenticate: {header}")
        async with udp_peer(behaviour) as peer, carrier_to(peer.port, "udp", "acme", "x") as carrier:
            with pytest.raises(CarrierError, match="unknown kind of authentication") as failed:
                await carrier.send(TEXT)
        assert not failed.value.retryable

    async def test_without_a_password_the_person_is_told_to_give_one(self) -> None:
        async with udp_peer(challenging('Digest realm="a", nonce="n"')) as peer, carrier_to(peer.port) as carrier:
            with pytest.raises(CarrierError, match="set them for the trunk"):
                await carrier.send(TEXT)

    def test_the_password_shows_nowhere(self) -> None:
        assert "s3cret" not in repr(SipPeer(host="h", username="u", password="s3cret"))


async def test_a_cancelled_text_leaves_the_carrier_usable() -> None:
    async with udp_peer(in_turn(silent, always(200))) as peer, carrier_to(peer.port, timers=Timers()) as carrier:
        sending = asyncio.create_task(carrier.send(TEXT))
        await peer.asked(1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await carrier.send(TEXT)


async def test_a_peer_that_is_silent_for_one_number_takes_the_other_texts_meanwhile() -> None:
    def behaviour(request: Request) -> list[bytes]:
        return [] if request.uri.user == "+15125550111" else [response(request, 200)]

    async with udp_peer(behaviour) as peer, carrier_to(peer.port, timers=Timers()) as carrier:
        held = asyncio.create_task(carrier.send(dataclasses.replace(TEXT, to_number="+15125550111")))
        await peer.asked(1)
        await asyncio.gather(*(carrier.send(TEXT) for _ in range(5)))
        assert not held.done()
        held.cancel()
        with pytest.raises(asyncio.CancelledError):
            await held


def nobodys_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(request: Request) -> list[bytes]:
    return [response(request, 200)]


def texts_of(peer: Peer) -> int:
    return [request.method for request in peer.requests].count("MESSAGE")


@pytest.mark.parametrize("code", [405, 503])
async def test_of_several_peers_the_next_one_gets_what_the_first_refuses(code: int) -> None:
    def refuses(request: Request) -> list[bytes]:
        return [response(request, code if request.method == "MESSAGE" else 501)]

    async with (
        udp_peer(refuses) as first,
        udp_peer(accepts) as second,
        udp_peer(accepts) as third,
        carrier_to(first.port) as a,
        carrier_to(second.port) as b,
        carrier_to(third.port) as c,
    ):
        await InOrder([a, b, c]).send(TEXT)
        await InOrder([a, b, c]).send(TEXT)
    assert (texts_of(first), texts_of(second), texts_of(third)) == (2, 2, 0)
    assert len(first.requests) == 3, "a peer that has just answered is not asked whether it is there"


async def test_a_silent_peer_gets_no_text_while_another_is_there() -> None:
    def silent(request: Request) -> list[bytes]:
        return []

    async with (
        udp_peer(silent) as first,
        udp_peer(accepts) as second,
        carrier_to(first.port) as a,
        carrier_to(second.port) as b,
        carrier_to(nobodys_port()) as c,
    ):
        await InOrder([c, a, b]).send(TEXT)
        assert (texts_of(first), texts_of(second)) == (0, 1)
        with pytest.raises(CarrierUnknown):
            await InOrder([a, c]).send(TEXT)
    assert texts_of(first) == 1, "none is there, so the first one is tried as if it were alone"


async def test_what_a_peer_may_have_goes_to_no_other() -> None:
    def loses_texts(request: Request) -> list[bytes]:
        return [] if request.method == "MESSAGE" else [response(request, 200)]

    async with (
        udp_peer(loses_texts) as first,
        udp_peer(accepts) as second,
        carrier_to(first.port) as a,
        carrier_to(second.port) as b,
    ):
        with pytest.raises(CarrierUnknown):
            await InOrder([a, b]).send(TEXT)
    assert second.requests == []


async def test_what_all_refuse_is_tried_again_only_if_that_may_help() -> None:
    def refuses(request: Request) -> list[bytes]:
        return [response(request, 404)]

    async with (
        udp_peer(refuses) as first,
        udp_peer(refuses) as second,
        carrier_to(first.port) as a,
        carrier_to(second.port) as b,
        carrier_to(nobodys_port()) as away,
    ):
        for several, retryable in (([a, b], False), ([a, away, b], True)):
            with pytest.raises(CarrierError, match="does not know the number") as failed:
                await InOrder(several).send(TEXT)
            assert failed.value.retryable is retryable


async def test_a_peer_keeps_its_carrier_until_its_settings_change() -> None:
    carriers = SipCarriers(QUICK)
    first = carriers.to(SipPeer(host="127.0.0.1", port=1, password="a"))
    assert carriers.to(SipPeer(host="127.0.0.1", port=1, password="a")) is first
    assert carriers.to(SipPeer(host="127.0.0.1", port=1, password="b")) is not first
    carriers.close()
