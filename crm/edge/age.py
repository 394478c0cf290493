"""Files encrypted with a passphrase or for a public key, in the format of age, so that `age -d` opens them as well.

The format: github.com/C2SP/C2SP/blob/main/age.md.

A key of the file's own is wrapped with one that scrypt makes of the passphrase, or X25519 of the public key and one
made for this file; the content is sealed with ChaCha20-Poly1305 in pieces of 64 KiB, the last of which is marked, so
that gigabytes pass through little memory and a file that was cut off shows.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from crm.edge import bech32

MAGIC = b"age-encryption.org/v1\n"
PUBLIC, PRIVATE = "age", "age-secret-key-"
"""What keys begin with, before a 1."""
_PIECE = 64 * 1024
_TAG = 16
_WORK = 17
"""scrypt's log2(N): 128 MiB of memory, and half a second."""
_MOST_WORK = 20
_SCRYPT = b"age-encryption.org/v1/scrypt"
_X25519 = b"age-encryption.org/v1/X25519"
_MOST_STANZAS = 20
_COLUMNS = 64
"""Of a stanza's body; one line that is shorter ends it."""


class NotDecrypted(Exception):
    """The passphrase or key is wrong, or the file is damaged."""


@dataclass(frozen=True)
class Passphrase:
    """Locks a file and opens it again."""

    text: str = field(repr=False)

    def wrap(self, file_key: bytes) -> bytes:
        salt = os.urandom(16)
        return _stanza(b"scrypt %s %d" % (_encoded(salt), _WORK), self._key(salt, _WORK), file_key)

    def unwrap(self, kind: bytes, arguments: list[bytes], body: bytes) -> bytes | None:
        if kind != b"scrypt":
            return None
        salt, work = arguments
        if not 1 <= int(work) <= _MOST_WORK:
            raise NotDecrypted
        return _unwrapped(self._key(_decoded(salt), int(work)), body)

    def _key(self, salt: bytes, work: int) -> bytes:
        return Scrypt(salt=_SCRYPT + salt, length=32, n=1 << work, r=8, p=1).derive(self.text.encode())


@dataclass(frozen=True)
class PublicKey:
    """Locks a file that only the private key opens. Raises ValueError for what is none."""

    text: str
    """age1…"""

    def __post_init__(self) -> None:
        _ = self._raw

    @property
    def _raw(self) -> bytes:
        return _key_of(PUBLIC, self.text)

    def wrap(self, file_key: bytes) -> bytes:
        once, theirs = X25519PrivateKey.generate(), self._raw
        share = once.public_key().public_bytes_raw()
        secret = once.exchange(X25519PublicKey.from_public_bytes(theirs))
        return _stanza(b"X25519 %s" % _encoded(share), _derived(secret, share + theirs, _X25519), file_key)


@dataclass(frozen=True)
class PrivateKey:
    """Opens what its public key has locked. Raises ValueError for what is none."""

    text: str = field(repr=False)
    """AGE-SECRET-KEY-1…"""

    def __post_init__(self) -> None:
        _ = self._raw

    @classmethod
    def new(cls) -> PrivateKey:
        return cls(bech32.encode(PRIVATE, X25519PrivateKey.generate().private_bytes_raw()).upper())

    @property
    def _raw(self) -> bytes:
        return _key_of(PRIVATE, self.text)

    @property
    def public(self) -> PublicKey:
        own = X25519PrivateKey.from_private_bytes(self._raw).public_key()
        return PublicKey(bech32.encode(PUBLIC, own.public_bytes_raw()))

    def unwrap(self, kind: bytes, arguments: list[bytes], body: bytes) -> bytes | None:
        if kind != b"X25519":
            return None
        own = X25519PrivateKey.from_private_bytes(self._raw)
        [share] = map(_decoded, arguments)
        secret = own.exchange(X25519PublicKey.from_public_bytes(share))
        try:
            return _unwrapped(_derived(secret, share + own.public_key().public_bytes_raw(), _X25519), body)
        except InvalidTag:
            return None  # It may be for somebody else.


@dataclass(frozen=True)
class FileKey:
    """The key of one file, with which whoever has written it opens it, without what it is locked with."""

    raw: bytes = field(default_factory=lambda: os.urandom(16), repr=False)

    def unwrap(self, kind: bytes, arguments: list[bytes], body: bytes) -> bytes | None:
        return self.raw


Lock = Passphrase | PublicKey
Key = Passphrase | PrivateKey | FileKey


class Sealed(io.RawIOBase):
    """Encrypts what is written to it; `close` completes the file and leaves `out` open."""

    def __init__(self, out: IO[bytes], lock: Lock, key: FileKey | None = None) -> None:
        """`key` is given by whoever is to open the file without what it is locked with."""
        file_key, nonce = (key or FileKey()).raw, os.urandom(16)
        header = MAGIC + lock.wrap(file_key) + b"---"
        out.write(header + b" " + _encoded(_mac(file_key, header).finalize()) + b"\n" + nonce)
        self._out, self._cipher = out, ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
        self._waiting, self._number = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        given = memoryview(data)  # type: ignore[arg-type]
        self._waiting += given
        # The last piece may be full, so one that is full waits for what follows.
        while len(self._waiting) > _PIECE:
            self._seal(bytes(self._waiting[:_PIECE]), is_last=False)
            del self._waiting[:_PIECE]
        return given.nbytes

    def close(self) -> None:
        if not self.closed:
            self._seal(bytes(self._waiting), is_last=True)
        super().close()

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._number, is_last), piece, None))
        self._number += 1


class Opened(io.RawIOBase):
    """What is in an encrypted file. Raises NotDecrypted, when it is made and when it is read."""

    def __init__(self, file: IO[bytes], key: Key | None) -> None:
        try:
            header, stanzas, mac = _header(file)
            found = (key.unwrap(*stanza) for stanza in stanzas) if key else ()
            file_key = next(one for one in found if one is not None)
            _mac(file_key, header).verify(mac)
        except (ValueError, binascii.Error, InvalidTag, InvalidSignature, StopIteration) as error:
            raise NotDecrypted from error
        self._file, self._number, self._is_over = file, 0, False
        self._cipher = ChaCha20Poly1305(_derived(file_key, file.read(16), b"payload"))
        self._next = file.read(_PIECE + _TAG)
        self._plain = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        if not self._plain and not self._is_over:
            piece, self._next = self._next, self._file.read(_PIECE + _TAG)
            self._is_over = not self._next
            try:
                plain = self._cipher.decrypt(_nonce(self._number, self._is_over), piece, None)
            except (InvalidTag, ValueError) as error:
                raise NotDecrypted from error
            self._number += 1
            self._plain = memoryview(plain)
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        part = self._plain[: len(target)]
        target[: len(part)] = part
        self._plain = self._plain[len(part) :]
        return len(part)


def is_for_key(file: IO[bytes]) -> bool:
    """Whether a file is locked with public keys, and not with a passphrase. Raises NotDecrypted."""
    try:
        return all(kind != b"scrypt" for kind, _, _ in _header(file)[1])
    except (ValueError, binascii.Error) as error:
        raise NotDecrypted from error


def _header(file: IO[bytes]) -> tuple[bytes, list[tuple[bytes, list[bytes], bytes]], bytes]:
    """What the header's mark covers, its stanzas (kind, arguments, body), and that mark. Raises NotDecrypted,
    ValueError."""
    header = file.read(len(MAGIC))
    stanzas: list[tuple[bytes, list[bytes], bytes]] = []
    if header != MAGIC:
        raise NotDecrypted
    while (line := file.readline(400)).startswith(b"-> ") and len(stanzas) < _MOST_STANZAS:
        header += line
        kind, *arguments = line[3:].split()
        body = b""
        for part in _body(file):
            header += part
            body += part.rstrip(b"\n")
        stanzas.append((kind, arguments, _decoded(body)))
    mark, mac = line.split()
    if mark != b"---":
        raise NotDecrypted
    return header + mark, stanzas, _decoded(mac)


def _body(file: IO[bytes]) -> Iterator[bytes]:
    for _ in range(_MOST_STANZAS):
        part = file.readline(_COLUMNS + 2)
        yield part
        if len(part) <= _COLUMNS:
            return
    raise NotDecrypted


def _stanza(arguments: bytes, key: bytes, file_key: bytes) -> bytes:
    return b"-> %s\n%s\n" % (arguments, _encoded(ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)))


def _unwrapped(key: bytes, body: bytes) -> bytes:
    return ChaCha20Poly1305(key).decrypt(bytes(12), body, None)


def _key_of(prefix: str, text: str) -> bytes:
    raw = bech32.decode(prefix, text.strip())
    if len(raw) != 32:
        raise ValueError("it has another length")
    return raw


def _derived(key: bytes, salt: bytes, what: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt or None, what).derive(key)


def _mac(file_key: bytes, header: bytes) -> hmac.HMAC:
    mac = hmac.HMAC(_derived(file_key, b"", b"header"), hashes.SHA256())
    mac.update(header)
    return mac


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _encoded(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
