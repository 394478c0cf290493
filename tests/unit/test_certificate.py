"""The certificate for SIP over TLS: made once and anew in time, its owner's alone; the operator's own stays."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from asterisk_conf import certificate
from crm.config import Config, Sip

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def config(home: Path, **sip: str) -> Config:
    return Config(home=home, sip=msgspec.structs.replace(Sip(bind="127.0.0.1"), **sip))


def made(of: Config, now: datetime = NOW) -> x509.Certificate:
    certificate.ensure(of, now)
    assert certificate.problem(of, now) == ""
    return x509.load_pem_x509_certificate(certificate.files(of).certificate.read_bytes())


def names(of: x509.Certificate) -> x509.SubjectAlternativeName:
    return of.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_it_names_what_phones_are_told_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    of = config(tmp_path, hostname="phone.example.com", public_address="203.0.113.5")
    found = names(made(of))
    assert "phone.example.com" in found.get_values_for_type(x509.DNSName)
    addresses = found.get_values_for_type(x509.IPAddress)
    assert {ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("203.0.113.5")} <= set(addresses)
    files = certificate.files(of)
    assert [path.stat().st_mode & 0o777 for path in (files.certificate, files.private_key)] == [0o600, 0o600]
    assert of.tls_folder.stat().st_mode & 0o777 == 0o700


def test_a_good_one_stays_and_one_that_ends_soon_is_made_anew_with_the_same_key(tmp_path: Path) -> None:
    of = config(tmp_path)
    first = made(of)
    assert made(of, NOW + certificate.VALID - certificate.RENEWED_BEFORE - timedelta(days=1)) == first
    renewed = made(of, NOW + certificate.VALID - timedelta(days=29))
    assert renewed != first
    assert renewed.public_key() == first.public_key()


def test_another_name_makes_it_anew(tmp_path: Path) -> None:
    first = made(config(tmp_path))
    renewed = made(config(tmp_path, hostname="phone.example.com"))
    assert renewed != first
    assert "phone.example.com" in names(renewed).get_values_for_type(x509.DNSName)


@pytest.mark.parametrize("file", ["certificate.pem", "key.pem"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nnonsense\n", b"\xff\x00"])
def test_a_lost_or_damaged_file_is_made_anew(tmp_path: Path, file: str, content: bytes | None) -> None:
    of = config(tmp_path)
    made(of)
    path = of.tls_folder / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert certificate.problem(of, NOW)
    made(of)


def test_the_operator_s_own_is_used_and_never_touched(tmp_path: Path) -> None:
    ours = config(tmp_path / "ours")
    made(ours)
    there = certificate.files(ours)
    theirs = config(tmp_path / "home", certificate=str(there.certificate), private_key=str(there.private_key))
    before = there.certificate.read_bytes()
    later = NOW + certificate.VALID + timedelta(days=1)
    certificate.ensure(theirs, later)
    assert certificate.files(theirs) == there
    assert there.certificate.read_bytes() == before
    assert not theirs.tls_folder.exists()
    assert certificate.problem(theirs, later).endswith(f"ended on {NOW + certificate.VALID:%Y-%m-%d}.")


def test_a_certificate_that_is_not_there_or_has_another_key_is_told(tmp_path: Path) -> None:
    lost = config(tmp_path, certificate="/nowhere/cert.pem", private_key="/nowhere/key.pem")
    assert "No such file or directory" in certificate.problem(lost, NOW)
    one, other = config(tmp_path / "one"), config(tmp_path / "other")
    made(one)
    made(other)
    theirs, key = certificate.files(one).certificate, certificate.files(other).private_key
    mixed = config(tmp_path, certificate=str(theirs), private_key=str(key))
    assert "KEY_VALUES_MISMATCH" in certificate.problem(mixed, NOW)


def test_openssl_takes_it_for_its_names(tmp_path: Path) -> None:
    of = config(tmp_path)
    made(of, datetime.now(UTC))
    files = certificate.files(of)
    trusting = ssl.create_default_context(cafile=files.certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.certificate, files.private_key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_end = trusting.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for end in (client_end, server_end):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client_end.version() in ("TLSv1.2", "TLSv1.3")
