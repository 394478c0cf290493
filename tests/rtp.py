"""What a phone sends within a call: sound and reports on it (RFC 3550), plain or encrypted (RFC 3711)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SSRC, OUR_SSRC = 0x5EED0001, 0x5EED0002
NTP = 0xEEB30000
"""The time, which nothing depends on."""


class Sender:
    """PCMU in packets of 20 ms, all of it silence, and a report whenever one is asked for."""

    def __init__(self, srtp: Srtp | None = None) -> None:
        self._srtp = srtp
        self._sounds = self._reports = 0

    def sound(self) -> bytes:
        number = self._sounds = self._sounds + 1
        packet = struct.pack("!BBHII", 0x80, 0, number, 160 * number, SSRC) + bytes([255] * 160)
        return self._srtp.sound(packet, number) if self._srtp else packet

    def report(self, *, as_sender: bool = True) -> bytes:
        """How much was sent so far, and how well we are heard, which is never twice the same; `as_sender` False: only
        the latter."""
        number = self._reports = self._reports + 1
        sent = struct.pack("!IIIII", NTP + number, 0, 160 * self._sounds, self._sounds, 160 * self._sounds)
        heard = struct.pack("!IIIIII", OUR_SSRC, 0, number, number % 7, 0, 0)
        kind, body = (200, sent + heard) if as_sender else (201, heard)
        packet = struct.pack("!BBHI", 0x81, kind, 1 + len(body) // 4, SSRC) + body
        return self._srtp.report(packet, number) if self._srtp else packet


class Srtp:
    """AES_CM_128_HMAC_SHA1_80 with one key for fewer than 65,536 packets."""

    def __init__(self) -> None:
        self._key, self._salt = bytes(range(16)), bytes(range(16, 30))
        self.attribute = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + base64.b64encode(self._key + self._salt).decode()
        """In the SDP."""

    def sound(self, packet: bytes, number: int) -> bytes:
        sealed = packet[:12] + self._encrypted(packet[12:], number, label=0)
        return sealed + self._tag(sealed + bytes(4), label=1)

    def report(self, packet: bytes, number: int) -> bytes:
        sealed = packet[:8] + self._encrypted(packet[8:], number, label=3)
        sealed += struct.pack("!I", 0x80000000 | number)
        return sealed + self._tag(sealed, label=4)

    def _encrypted(self, data: bytes, number: int, label: int) -> bytes:
        salt = int.from_bytes(self._derived(label + 2, 14))
        return _keystream(self._derived(label, 16), salt << 16 ^ SSRC << 64 ^ number << 16, data)

    def _tag(self, data: bytes, label: int) -> bytes:
        return hmac.digest(self._derived(label, 20), data, hashlib.sha1)[:10]

    def _derived(self, label: int, length: int) -> bytes:
        return _keystream(self._key, (int.from_bytes(self._salt) ^ label << 48) << 16, bytes(length))


def _keystream(key: bytes, start: int, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(start.to_bytes(16))).encryptor().update(data)
