"""Mails on real databases through a real mail server: sent once, later, or never, and the record says which."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from sqlalchemy import select

from crm.config import Config
from crm.config import MailSettings as MailSettings
from crm.domain.delivery import DeliveryState
from crm.edge.mail import Mailer, MailError, MailUnknown, Server
from crm.secrets import Secrets
from crm.services.outbox import mails, outgoing
from crm.services.outbox.mails import Attachment, MailToSend, MailTransport
from crm.services.outbox.outgoing import NewMail
from crm.store.models import Mail
from crm.store.session import Store
from tests.store.conftest import send_what_waits

pytestmark = pytest.mark.store

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


@dataclass
class Handler:
    """What the mail server does with the mails it gets."""

    answers: list[str] = field(default_factory=list)
    """For the next mails, instead of 250; CUT closes the connection after the data."""
    taken: list[Any] = field(default_factory=list)
    rcpt: str = "250 OK"
    sessions: set[int] = field(default_factory=set)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.sessions.add(id(session))
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer == "CUT":
            self.taken.append(envelope)
            server.transport.abort()
            return "250 never sent"
        if answer.startswith("250"):
            self.taken.append(envelope)
        return answer


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    """A mail server; yields its port. `tls` from the first byte on; STARTTLS is among the options."""

    def session() -> SMTP:
        return SMTP(handler, hostname="mail.example.com", **options)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def settings(config: Config, port: int = 25, **more: Any) -> Config:
    mail = MailSettings(
        **{  # type: ignore[arg-type]
            "server": "127.0.0.1",
            "port": port,
            "security": "none",
            "from_address": "phone@oak.example.com",
            "first_retry_seconds": 60.0,
            **more,
        }
    )
    return msgspec.structs.replace(config, mail=mail)


async def queue(store: Store, key: str = "k1", *, to: str = "alice@example.com") -> None:
    with store.writing() as session:
        new = NewMail(key, to, "New message", "Somebody called.\nÜbermorgen.")
        outgoing.queue(session, Config(Path("/")), new, NOW)


async def row(store: Store, key: str = "k1") -> Mail:
    with store.reading() as session:
        return session.scalars(select(Mail).where(Mail.key == key)).one()


async def nothing(message_id: str) -> list[Attachment]:
    return []


@asynccontextmanager
async def worker(
    store: Store, config: Config, clock: Callable[[], datetime] = lambda: NOW, attach: mails.Attach = nothing
) -> AsyncIterator[None]:
    """Sends what is queued."""
    mailer = Mailer(mails.server_of(config, Secrets(config.secrets_file)))
    task = asyncio.create_task(
        send_what_waits(store, config, MailTransport(config, Secrets(config.secrets_file), mailer, attach), clock)
    )
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await mailer.close()


async def sent_when(store: Store, is_so: Callable[[Mail], object], key: str = "k1") -> Mail:
    async with asyncio.timeout(60):
        while True:
            if is_so(mail := await row(store, key)):
                return mail
            await asyncio.sleep(0.02)


async def test_mails_leave_once_over_one_connection(store: Store, config: Config) -> None:
    handler = Handler()
    async with serving(handler) as port:
        for number in range(3):
            await queue(store, f"k{number}")
            await queue(store, f"k{number}")
        async with worker(store, settings(config, port)):
            mail = await sent_when(store, lambda mail: mail.state == DeliveryState.SENT, "k2")
    assert mail.sent_at == NOW
    assert len(handler.taken) == 3
    assert len(handler.sessions) == 1
    sent = message_from_bytes(handler.taken[0].content, policy=default)
    assert (sent["From"], sent["To"], sent["Subject"]) == ("phone@oak.example.com", "alice@example.com", "New message")
    assert sent["Message-ID"] == "<k0@oak.example.com>"
    assert sent.get_content().splitlines() == ["Somebody called.", "Übermorgen."]


async def test_a_message_goes_out_with_its_sound(store: Store, config: Config) -> None:
    handler = Handler()

    async def attach(message_id: str) -> list[Attachment]:
        return [Attachment("message.mp3", "audio/mpeg", b"mp3"), Attachment("message.wav", "audio/wav", b"wav")]

    async with serving(handler) as port:
        await queue(store)
        with store.writing() as session:
            # No message is on record here; what the mail names is asked for all the same.
            session.scalars(select(Mail)).one().voicemail_id = None
        mail = mails.compose(settings(config), MailToSend("k1", "a@b.example", "s", "b"), await attach("x"), NOW)
        async with worker(store, settings(config, port)):
            await sent_when(store, lambda mail: mail.state == DeliveryState.SENT)
    names = [(part.get_filename(), part.get_content_type(), part.get_content()) for part in mail.iter_attachments()]
    assert names == [("message.mp3", "audio/mpeg", b"mp3"), ("message.wav", "audio/wav", b"wav")]


@pytest.mark.parametrize("answer", ["451 try later", "421 shutting down"])
async def test_a_refusal_for_now_is_tried_again_later(store: Store, config: Config, answer: str) -> None:
    handler = Handler(answers=[answer])
    async with serving(handler) as port:
        await queue(store)
        async with worker(store, settings(config, port)):
            mail = await sent_when(store, lambda mail: mail.attempts and mail.state == DeliveryState.QUEUED)
        assert mail.next_attempt_at is not None
        assert timedelta(seconds=48) <= mail.next_attempt_at - NOW <= timedelta(seconds=72)
        assert f"reply {answer[:3]}" in mail.error
        assert "alice" not in mail.error
        async with worker(store, settings(config, port), lambda: NOW + timedelta(seconds=73)):
            mail = await sent_when(store, lambda mail: mail.state == DeliveryState.SENT)
    assert mail.attempts == 2
    assert len(handler.taken) == 1


@pytest.mark.parametrize(("rcpt", "data"), [("550 no such user", "250 OK"), ("250 OK", "554 spam")])
async def test_a_refusal_for_good_is_the_end(store: Store, config: Config, rcpt: str, data: str) -> None:
    async with serving(Handler(answers=[data], rcpt=rcpt)) as port:
        await queue(store)
        async with worker(store, settings(config, port)):
            mail = await sent_when(store, lambda mail: mail.state == DeliveryState.FAILED)
    assert mail.attempts == 1
    assert "refused the email" in mail.error


async def test_a_connection_cut_after_the_data_leaves_it_unknown_and_is_not_tried_again(
    store: Store, config: Config
) -> None:
    handler = Handler(answers=["CUT"])
    async with serving(handler) as port:
        await queue(store)
        async with worker(store, settings(config, port), lambda: NOW + timedelta(days=1)):
            mail = await sent_when(store, lambda mail: mail.state == DeliveryState.UNKNOWN)
            await queue(store, "k2")
            await sent_when(store, lambda mail: mail.state == DeliveryState.SENT, "k2")
    assert "may or may not have arrived" in mail.error
    assert len(handler.taken) == 2


async def test_who_cannot_be_reached_is_tried_until_it_is_given_up(store: Store, config: Config) -> None:
    async with serving(Handler()) as port:
        pass
    await queue(store)
    async with worker(store, settings(config, port, attempts=1)):
        mail = await sent_when(store, lambda mail: mail.state == DeliveryState.FAILED)
    assert mail.error.startswith("Given up after 1 try.")
    assert "cannot be reached" in mail.error


async def test_without_a_server_mails_wait_and_say_why_and_not_for_ever(store: Store, config: Config) -> None:
    await queue(store)
    async with worker(store, config):
        mail = await sent_when(store, lambda mail: mail.error)
    assert (mail.state, mail.attempts, mail.error) == (DeliveryState.QUEUED, 0, mails.NO_SERVER)
    async with worker(store, config, lambda: NOW + mails.STALE + timedelta(minutes=1)):
        mail = await sent_when(store, lambda mail: mail.state == DeliveryState.FAILED)
    assert "two days" in mail.error


async def test_what_was_being_sent_when_we_died_is_unknown(store: Store, config: Config) -> None:
    await queue(store)
    with store.writing() as session:
        session.scalars(select(Mail)).one().state = DeliveryState.SENDING
    handler = Handler()
    async with serving(handler) as port, worker(store, settings(config, port)):
        mail = await sent_when(store, lambda mail: mail.state == DeliveryState.UNKNOWN)
    assert "may or may not have arrived" in mail.error
    assert handler.taken == []


async def test_at_shutdown_the_mail_under_way_may_get_its_answer(store: Store, config: Config) -> None:
    busy, answer = asyncio.Event(), asyncio.Event()

    class Slow:
        async def send(self, mail: object, sender: str, recipient: str) -> None:
            busy.set()
            await answer.wait()

    await queue(store, "k1")
    await queue(store, "k2")
    transport = MailTransport(settings(config), Secrets(config.secrets_file), Slow(), nothing)
    task = asyncio.create_task(send_what_waits(store, config, transport))
    await asyncio.wait_for(busy.wait(), 10)
    assert (await row(store, "k2")).state == DeliveryState.QUEUED, "one at a time"
    task.cancel()
    asyncio.get_running_loop().call_soon(answer.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(await row(store, key)).state for key in ("k1", "k2")] == [DeliveryState.SENT, DeliveryState.QUEUED]


def _login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"phone", b"right password")
    return AuthResult(success=good, handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of localhost in one file."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(path.with_suffix(".crt"))),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_with_tls_and_login(certificate: Path, security: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    trusted = ssl.create_default_context(cafile=certificate.with_suffix(".crt"))
    handler = Handler()
    tls: dict[str, Any] = {"tls_context": context, "auth_required": True}
    if security == "tls":
        tls = {"tls": context, "auth_require_tls": False}
    mail = mails.compose(settings(Config(Path("/"))), MailToSend("k", "alice@example.com", "s", "b"), [], NOW)
    async with serving(handler, authenticator=_login, **tls) as port:

        async def send(password: str, trust: ssl.SSLContext | None) -> None:
            server = Server("localhost", port, security, "phone", password, trust)
            mailer = Mailer(lambda: server)
            try:
                await mailer.send(mail, "phone@oak.example.com", "alice@example.com")
            finally:
                await mailer.close()

        await send("right password", trusted)
        with pytest.raises(MailError, match="user or password") as wrong:
            await send("wrong password", trusted)
        with pytest.raises(MailError, match="no certificate that this machine trusts"):
            await send("right password", None)
    assert len(handler.taken) == 1
    assert wrong.value.retryable
    assert "wrong password" not in str(wrong.value)
    assert not isinstance(wrong.value, MailUnknown)
    assert "wrong password" not in repr(Server("h", 1, "tls", "u", "wrong password"))
