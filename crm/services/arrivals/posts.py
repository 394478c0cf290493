"""What portals and websites post to their secret paths: stored as received, at once, and read afterwards.

A portal gets its 200 when the post is in the database, or on the disk while the database is away:
`spool/<name>.post`, a JSON object each. It is then taken into the database, and the file goes to spool/done/.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.errors import Unavailable
from crm.domain.leads import Happened
from crm.edge import spool_folder
from crm.services.arrivals import arrival, inquiries, sources
from crm.services.arrivals.arrival import Parser
from crm.services.arrivals.portals import mits, plain
from crm.services.arrivals.portals import posts as forms
from crm.services.arrivals.portals.inquiry import Inquiry
from crm.store.models import ArrivalRecord, LeadSource

CHANNEL = "post"
PARSER = Parser(forms.NAME, forms.VERSION)
LONGEST = 256 * 1024
"""Bytes of a post."""
LOOK_SECONDS = 5.0
MOST_WAITING = 500
"""Posts that wait on the disk: while the database is away, nobody knows whether a path is one of ours."""


_log = logging.getLogger(__name__)


class Full(Exception):
    """Too many posts wait on the disk for the database."""


class Post(msgspec.Struct, frozen=True):
    """A post as it came."""

    token_hash: str
    """Of the end of its path."""
    kind: str
    """Content-Type."""
    body: str
    """Base64 where it is no UTF-8."""
    is_base64: bool
    query: str
    at: datetime


def post(token: str, kind: str, body: bytes, query: str, now: datetime) -> Post:
    try:
        words, is_base64 = body.decode("utf-8"), False
    except UnicodeDecodeError:
        words, is_base64 = base64.b64encode(body).decode(), True
    return Post(sources.hashed(token), kind[:200], words, is_base64, query[:2000], now)


class PostBox:
    """Where posts are taken in."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    async def accept(self, sent: Post) -> bool:
        """Returns once the post is in the database or on the disk; False: its path is nobody's.

        Raises OSError, Full.
        """
        try:
            async with asyncio.timeout(self._crm.config.survival.store_seconds):
                return await self._crm.store.run(keep, sent) is not None
        except (Unavailable, TimeoutError) as error:
            _log.warning("a post waits on disk for the database", extra={"error": type(error).__name__})
            await asyncio.to_thread(_spool, self._crm.config, sent)
            return True

    async def import_all(self) -> int:
        """Takes the posts on the disk into the database, and returns their number. Raises Unavailable, OSError."""
        count = 0
        for path in await asyncio.to_thread(_waiting, self._crm.config):
            try:
                sent = msgspec.json.decode(await asyncio.to_thread(path.read_bytes), type=Post)
            except msgspec.MsgspecError:
                _log.error("a post on the disk is damaged", extra={"file": path.name})
            else:
                if await self._crm.store.run(keep, sent) is None:
                    _log.warning("a post on the disk was to a path that is nobody's", extra={"file": path.name})
                count += 1
            await asyncio.to_thread(spool_folder.put_aside, path)
        return count


def keep(session: Session, sent: Post) -> int | None:
    """The arrival of a post; None: its path is nobody's. The same post counts once a day: portals repeat those that
    they think were lost."""
    source = sources.by_token(session, sent.token_hash, sent.at)
    if source is None:
        return None
    said = hashlib.sha256(f"{sent.kind}\0{sent.query}\0{sent.body}".encode("utf-8", "replace")).hexdigest()
    key = f"post:{source.id}:{sent.at:%Y-%m-%d}:{said[:40]}"
    if there := arrival.kept(session, key):
        return there.id
    raw = {"kind": sent.kind, "query": sent.query, "body": sent.body, "is_base64": sent.is_base64}
    record = arrival.keep(session, key, CHANNEL, raw, PARSER, sent.at, is_read=False)
    record.source_id = source.id
    return record.id


def _spool(config: Config, sent: Post) -> None:
    if len(_waiting(config)) >= MOST_WAITING:
        raise Full
    written = msgspec.json.encode(sent)
    path = config.spool_folder / f"{hashlib.sha256(written).hexdigest()[:32]}.post"
    new = path.with_suffix(".new-post")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(written)
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)
    folder = os.open(config.spool_folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _waiting(config: Config) -> list[Path]:
    """Oldest first."""
    found = []
    for path in config.spool_folder.glob("*.post"):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, path.name, path))
    return [path for _, _, path in sorted(found)]


# --- reading ---


def receive(session: Session, config: Config, record: ArrivalRecord, now: datetime) -> ArrivalOutcome:
    """Does what a post asks for."""
    source = session.get(LeadSource, record.source_id) if record.source_id else None
    found, parser = find(record.raw)
    record.parser, record.parser_version = parser.name, parser.version
    name = source.name if source else "post"
    leads = []
    for number, one in enumerate(found, start=1):
        meant = inquiries.meant_by(session, one, source, (), one.message)
        about = f" about {meant}" if meant.property else ""
        told = f"Asked through {name}{about}: {inquiries.described(one)}"
        lead = inquiries.act(session, config, record, one, meant, name, told, Happened.FORM, now, number=number)
        leads += [lead] if lead else []
    if leads:
        return ArrivalOutcome.LEAD
    inquiries.leave_to_somebody(session, config, record, f"a post of {name}", now)
    return ArrivalOutcome.UNREADABLE


def find(raw: dict[str, object]) -> tuple[tuple[Inquiry, ...], Parser]:
    """Who asks for what, according to the first parser that can tell; and which one that was."""
    body = base64.b64decode(str(raw["body"])) if raw.get("is_base64") else str(raw["body"]).encode()
    kind = str(raw.get("kind", "")).partition(";")[0].strip().lower()
    for document in _documents(body, kind):
        try:
            return mits.inquiries(document), Parser(mits.NAME, mits.VERSION)
        except mits.Unreadable:
            continue
    words = body.decode("utf-8", "replace")
    if words.lstrip()[:1] in ("{", "["):
        try:
            posted = json.loads(words)
        except (ValueError, RecursionError):
            pass
        else:
            several = posted if isinstance(posted, list) else [posted]
            return tuple(forms.inquiry(one) for one in several[: mits.MOST_PROSPECTS]), PARSER
    form = dict(parse_qsl(words, max_num_fields=None, keep_blank_values=False)) if "=" in words else {}
    query = dict(parse_qsl(str(raw.get("query", ""))))
    one = forms.inquiry(query | form)
    if not one.names_somebody:
        labeled = plain.inquiry(words)
        if labeled.names_somebody:
            return (labeled,), Parser(plain.NAME, plain.VERSION)
    return (one,), PARSER


def _documents(body: bytes, kind: str) -> Iterator[bytes | str]:
    """XML in a post: all of it, or one of a form's values, as MITS is posted to property management systems."""
    if b"LeadManagement" not in body:
        return
    if body.lstrip()[:1] == b"<":
        yield body
    else:
        yield from (value for _, value in parse_qsl(body.decode("utf-8", "replace")) if "<LeadManagement" in value)
