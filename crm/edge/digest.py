"""Digest credentials (RFC 7616, and RFC 3261 section 22) for our requests to a SIP server that asks for them."""

from __future__ import annotations

import hashlib
import re
import secrets

_HASHES = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
# The library's parser is not used: it splits qop="auth,auth-int" at the comma.
_PARAMETER = re.compile(r'\s*([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)')


def best(values: list[str]) -> dict[str, str] | None:
    """Returns the first challenge we can answer, or None; a peer lists the one it prefers first (RFC 8760 2.4)."""
    return next((challenge for value in values if (challenge := _challenge(value)) is not None), None)


def _challenge(value: str) -> dict[str, str] | None:
    """Returns the parameters of a challenge, or None if we cannot answer it.

    Backslashes in quoted values stay: values are hashed and sent back as they came (unq() in RFC 7616 3.3).
    """
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest" or not value.isprintable():
        return None
    found: dict[str, str] = {}
    position = 0
    while match := _PARAMETER.match(rest, position):
        found.setdefault(match[1].lower(), match[2] if match[2] is not None else match[3])
        position = match.end()
    algorithm = found.get("algorithm", "MD5").lower().removesuffix("-sess")
    qop = [option.strip().lower() for option in found.get("qop", "").split(",")]
    usable = "realm" in found and "nonce" in found and algorithm in _HASHES and ("auth" in qop or qop == [""])
    return found if usable else None


def answer(challenge: dict[str, str], username: str, password: str, method: str, uri: str) -> str:
    """Returns the value of an Authorization header. Each nonce is used once, so its count is always 1."""
    algorithm = challenge.get("algorithm", "MD5")

    def hashed(*parts: str) -> str:
        return _HASHES[algorithm.lower().removesuffix("-sess")](":".join(parts).encode()).hexdigest()

    realm, nonce, cnonce, count = challenge["realm"], challenge["nonce"], secrets.token_hex(8), "00000001"
    secret = hashed(username, realm, password)
    if algorithm.lower().endswith("-sess"):
        secret = hashed(secret, nonce, cnonce)
    with_qop = "qop" in challenge
    rest = [nonce, count, cnonce, "auth"] if with_qop else [nonce]
    parts = [("username", username), ("realm", realm), ("nonce", nonce), ("uri", uri)]
    parts.append(("response", hashed(secret, *rest, hashed(method, uri))))
    if "opaque" in challenge:
        parts.append(("opaque", challenge["opaque"]))
    words = [f'{name}="{value}"' for name, value in parts]
    if "algorithm" in challenge:
        words.append(f"algorithm={algorithm}")
    if with_qop:
        words += ["qop=auth", f"nc={count}", f'cnonce="{cnonce}"']
    return "Digest " + ", ".join(words)
