"""Digest credentials (RFC 7616, and RFC 3261 section 22): for our requests to a SIP server that asks for them, and for
those of browsers that do not have the password."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

_HASHES = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
# The library's parser is not used: it splits qop="auth,auth-int" at the comma.
_PARAMETER = re.compile(r'\s*([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)')

# Not part of another name, and not within the value of another parameter, which has no quotes in it.
_RESPONSE = re.compile(r'((?:^\s*Digest\s|,)\s*response\s*=\s*)"?[0-9a-fA-F]+"?', re.IGNORECASE)


def best(values: list[str]) -> dict[str, str] | None:
    """Returns the first challenge we can answer, or None; a peer lists the one it prefers first (RFC 8760 2.4)."""
    return next((challenge for value in values if (challenge := _challenge(value)) is not None), None)


def _challenge(value: str) -> dict[str, str] | None:
    """Returns the parameters of a challenge, or None if we cannot answer it.

    Backslashes in quoted values stay: values are hashed and sent back as they came (unq() in RFC 7616 3.3).
    """
    found = _parameters(value)
    if found is None:
        return None
    algorithm = found.get("algorithm", "MD5").lower().removesuffix("-sess")
    qop = [option.strip().lower() for option in found.get("qop", "").split(",")]
    usable = "realm" in found and "nonce" in found and algorithm in _HASHES and ("auth" in qop or qop == [""])
    return found if usable else None


def _parameters(value: str) -> dict[str, str] | None:
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest" or not value.isprintable():
        return None
    found: dict[str, str] = {}
    position = 0
    while match := _PARAMETER.match(rest, position):
        found.setdefault(match[1].lower(), match[2] if match[2] is not None else match[3])
        position = match.end()
    return found


def answer(challenge: dict[str, str], username: str, password: str, method: str, uri: str) -> str:
    """Returns the value of an Authorization header. Each nonce is used once, so its count is always 1."""
    asked = {**challenge, "uri": uri, "cnonce": secrets.token_hex(8), "nc": "00000001"}
    with_qop = "qop" in challenge
    if with_qop:
        asked["qop"] = "auth"
    realm, nonce = challenge["realm"], challenge["nonce"]
    parts = [("username", username), ("realm", realm), ("nonce", nonce), ("uri", uri)]
    parts.append(("response", _response(asked, username, password, method)))
    if "opaque" in challenge:
        parts.append(("opaque", challenge["opaque"]))
    words = [f'{name}="{value}"' for name, value in parts]
    if "algorithm" in challenge:
        words.append(f"algorithm={challenge['algorithm']}")
    if with_qop:
        words += ["qop=auth", f"nc={asked['nc']}", f'cnonce="{asked["cnonce"]}"']
    return "Digest " + ", ".join(words)


def made_anew(credentials: str, method: str, username: str, known: str, password: str) -> str | None:
    """Returns an Authorization header's value with the response that `password` gives; None unless the one in it is
    that of `username` with the password `known`."""
    found = _parameters(credentials)
    needed = {"username", "realm", "nonce", "uri", "response"}
    if found is None or not needed <= found.keys() or found["username"] != username:
        return None
    if found.get("algorithm", "MD5").lower().removesuffix("-sess") not in _HASHES:
        return None
    if "qop" in found and (found["qop"] != "auth" or not {"nc", "cnonce"} <= found.keys()):
        return None
    given = found["response"].lower()
    if not hmac.compare_digest(given.encode(), _response(found, username, known, method).encode()):
        return None
    made = _response(found, username, password, method)
    return _RESPONSE.sub(lambda match: f'{match[1]}"{made}"', credentials, count=1)


def _response(asked: dict[str, str], username: str, password: str, method: str) -> str:
    algorithm = asked.get("algorithm", "MD5").lower()

    def hashed(*parts: str) -> str:
        return _HASHES[algorithm.removesuffix("-sess")](":".join(parts).encode()).hexdigest()

    nonce = asked["nonce"]
    secret = hashed(username, asked["realm"], password)
    if algorithm.endswith("-sess"):
        secret = hashed(secret, nonce, asked.get("cnonce", ""))
    rest = [nonce, asked["nc"], asked["cnonce"], "auth"] if "qop" in asked else [nonce]
    return hashed(secret, *rest, hashed(method, asked["uri"]))
