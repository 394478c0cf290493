"""The console with a certificate of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from crm import config as settings
from crm.config import Config, ConfigError, Console, Ports
from crm.edge import own_certificate as tls
from crm.web.app import serving
from tests.web.test_guard import free_ports
from tests.web.test_streams import Listener

pytestmark = pytest.mark.web


def write_certificate(folder: Path, name: str) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(own, hashes.SHA256())
    )
    (folder / "desk.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "desk.key").write_bytes(own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    write_certificate(tmp_path, "first")
    (port,) = free_ports(1)
    console = Console(tls_certificate="desk.pem", tls_key="desk.key")
    return Config(tmp_path, ports=Ports(console=port), console=console)


def anybody() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def whose(port: int, *, server_hostname: str | None = None) -> str:
    """The name in the certificate that a browser gets."""
    context = anybody()
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=server_hostname or "")
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    name = x509.load_der_x509_certificate(found).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name[0].value)


async def test_a_new_certificate_is_used_and_drops_nobody(config: Config) -> None:
    certificate = tls.OwnCertificate(config)
    listener = Listener(config.ports.console)
    async with asyncio.timeout(60), serving(config, listener.app, "console", certificate):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=anybody())
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"hello" in await reader.readuntil(b"hello\n\n")
        assert await whose(listener.port) == "first"
        assert not certificate.look()
        write_certificate(config.home, "second")
        assert certificate.look()
        for name in (None, "desk.example.com"):
            assert await whose(listener.port, server_hostname=name) == "second"
        assert listener.ended.empty(), "the stream of somebody who listened was ended"
        writer.close()


async def test_a_certificate_that_cannot_be_used_leaves_the_former_one(config: Config) -> None:
    certificate = tls.OwnCertificate(config)
    async with asyncio.timeout(60), serving(config, Listener(config.ports.console).app, "console", certificate):
        (config.home / "desk.key").write_text("no key")
        for _ in range(2):
            with pytest.raises(tls.CertificateUnusable, match=r"desk\.pem and its key .*desk\.key cannot be used"):
                certificate.look()
        assert await whose(config.ports.console) == "first"
        write_certificate(config.home, "third")
        assert certificate.look()
        assert await whose(config.ports.console) == "third"


async def test_nobody_is_answered_without_encryption(config: Config) -> None:
    certificate = tls.OwnCertificate(config)
    async with asyncio.timeout(60), serving(config, Listener(config.ports.console).app, "console", certificate):
        reader, writer = await asyncio.open_connection("127.0.0.1", config.ports.console)
        writer.write(b"GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"a page" not in await reader.read()
        writer.close()


async def test_a_listener_without_a_usable_certificate_does_not_begin(config: Config) -> None:
    (config.home / "desk.pem").unlink()
    with pytest.raises(tls.CertificateUnusable, match="No such file"):
        async with serving(config, Listener(1).app, "console", tls.OwnCertificate(config)):
            pass


def test_what_will_be_wrong_is_said_in_time(config: Config) -> None:
    now = datetime.now(UTC)
    assert tls.problem(config, now) == ""
    assert "ends on" in tls.problem(config, now + timedelta(days=80))
    assert "ended on" in tls.problem(config, now + timedelta(days=100))
    key = rsa.generate_private_key(65537, 2048)
    pem, secret = serialization.Encoding.PEM, serialization.BestAvailableEncryption(b"secret")
    (config.home / "desk.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, secret))
    assert "cannot be used" in tls.problem(config, now)
    assert tls.problem(msgspec.structs.replace(config, console=Console()), now) == ""


@pytest.mark.parametrize(
    ("console", "refused"),
    [
        (Console(), ""),
        (Console(bind="0.0.0.0"), "without a certificate"),
        (Console(bind="0.0.0.0", public_url="http://desk.example.com"), "without a certificate"),
        (Console(bind="10.0.0.5", tls_certificate="desk.pem"), "without a certificate"),
        (Console(bind="10.0.0.5", tls_certificate="desk.pem", tls_key="desk.key"), ""),
        (Console(bind="::", tls_certificate="desk.pem", tls_key="desk.key"), "without a name"),
        (Console(bind="0.0.0.0", public_url="https://desk.example.com"), ""),
    ],
)
def test_beyond_this_machine_it_is_served_encrypted_or_not_at_all(console: Console, refused: str) -> None:
    assert refused in console.refusal
    assert bool(console.refusal) is bool(refused)


def test_a_certificate_without_its_key_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "leaseline.toml").write_text('[console]\ntls_certificate = "desk.pem"\n')
    with pytest.raises(ConfigError, match="go together"):
        settings.load(tmp_path)
