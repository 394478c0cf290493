"""Files encrypted with a passphrase, in the format of age, so that `age -d` opens them as well.

The format: github.com/C2SP/C2SP/blob/main/age.md.

A key of the file's own is wrapped with one that scrypt makes of the passphrase; the content is sealed with
ChaCha20-Poly1305 in pieces of 64 KiB, the last of which is marked, so that gigabytes pass through little memory and a
file that was cut off shows.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
from typing import IO

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"age-encryption.org/v1\n"
_PIECE = 64 * 1024
_TAG = 16
_WORK = 17
"""scrypt's log2(N): 128 MiB of memory, and half a second."""
_MOST_WORK = 20
_LABEL = b"age-encryption.org/v1/scrypt"


class NotDecrypted(Exception):
    """The passphrase is wrong, or the file is damaged."""


class Sealed(io.RawIOBase):
    """Encrypts what is written to it; `close` completes the file and leaves `out` open."""

    def __init__(self, out: IO[bytes], passphrase: str) -> None:
        file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
        wrapped = ChaCha20Poly1305(_of_passphrase(passphrase, salt, _WORK)).encrypt(bytes(12), file_key, None)
        header = MAGIC + b"-> scrypt %s %d\n%s\n---" % (_encoded(salt), _WORK, _encoded(wrapped))
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

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        if file.read(len(MAGIC)) != MAGIC:
            raise NotDecrypted
        stanza, body, end = (file.readline(400) for _ in range(3))
        try:
            arrow, kind, salt, work = stanza.split()
            mark, mac = end.split()
            if (arrow, kind, mark) != (b"->", b"scrypt", b"---") or not 1 <= int(work) <= _MOST_WORK:
                raise NotDecrypted
            key = _of_passphrase(passphrase, _decoded(salt), int(work))
            file_key = ChaCha20Poly1305(key).decrypt(bytes(12), _decoded(body.strip()), None)
            _mac(file_key, MAGIC + stanza + body + b"---").verify(_decoded(mac))
        except (ValueError, binascii.Error, InvalidTag, InvalidSignature) as error:
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


def _of_passphrase(passphrase: str, salt: bytes, work: int) -> bytes:
    return Scrypt(salt=_LABEL + salt, length=32, n=1 << work, r=8, p=1).derive(passphrase.encode())


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
