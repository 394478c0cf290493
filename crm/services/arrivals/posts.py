"""What portals and websites post to their secret paths: stored as received, at once, and read afterwards.

A portal gets its 200 when the post is in the database, or on the disk while the database is away:
`spool/<name>.post`, a JSON object each. It is then taken into the database, and the file goes to spool/done/.
"""

from __future__ import annotations

import asyncio
import base64
import codecs
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP
from pathlib import Path
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy.orm import Session

from crm.config import Config
from crm.context import Crm
from crm.domain.arrivals import ArrivalOutcome
from crm.domain.errors import Unavailable
from crm.domain.leads import Happened
from crm.edge import folders, mail_files, spool_folder
from crm.services.arrivals import arrival, inquiries, sources
from crm.services.arrivals.arrival import Parser
from crm.services.arrivals.portals import mits, plain
from crm.services.arrivals.portals import posts as forms
from crm.services.arrivals.portals.inquiry import Several
from crm.store.models import ArrivalRecord, LeadSource

CHANNEL = "post"
PARSER = Parser(forms.NAME, forms.VERSION)
LONGEST_ROW = 256 * 1024
"""Bytes of a post that are kept in the database; a larger one is in a file of the folder `mails`."""
LONGEST = 10 * 2**20
"""Bytes of a post that are taken at all: an inquiry with a document or some pictures. Of a larger one LONGEST_ROW is
kept."""
LOOK_SECONDS = 5.0
UNFINISHED_SECONDS = 3600.0
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
    file: str = ""
    """Where all of it is, when it is too large for a row: then `body` is empty."""
    size: int = 0
    """Bytes of a post that is in a file."""
    is_whole: bool = True
    """False: it was too large to be taken, and `body` is its beginning."""


def post(
    token: str,
    kind: str,
    body: bytes,
    query: str,
    now: datetime,
    *,
    file: str = "",
    size: int = 0,
    is_whole: bool = True,
) -> Post:
    try:
        words, is_base64 = body.decode("utf-8"), False
    except UnicodeDecodeError:
        words, is_base64 = base64.b64encode(body).decode(), True
    return Post(sources.hashed(token), kind[:200], words, is_base64, query[:2000], now, file, size, is_whole)


class PostBox:
    """Where posts are taken in."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    async def is_known(self, token: str) -> bool:
        """Whether a path is a source's. Raises Unavailable."""
        found = await self._crm.store.read(sources.by_token, sources.hashed(token), self._crm.now())
        return found is not None

    async def accept(self, sent: Post) -> bool:
        """Returns once the post is in the database or on the disk; False: its path is nobody's.

        Raises OSError, Full.
        """
        try:
            async with asyncio.timeout(self._crm.config.survival.store_seconds):
                return await self._crm.store.run(keep, self._crm.config, sent) is not None
        except (Unavailable, TimeoutError) as error:
            _log.warning("a post waits on disk for the database", extra={"error": type(error).__name__})
            await asyncio.to_thread(_spool, self._crm.config, sent)
            return True

    async def import_all(self) -> int:
        """Imports the posts on the disk into the database; returns how many. Raises Unavailable, OSError."""
        count = 0
        folder, long_ago = self._crm.config.mails_folder, self._crm.now().timestamp() - UNFINISHED_SECONDS
        await asyncio.to_thread(mail_files.drop_unfinished, folder, long_ago)
        for path in await asyncio.to_thread(_waiting, self._crm.config):
            try:
                sent = msgspec.json.decode(await asyncio.to_thread(path.read_bytes), type=Post)
            except msgspec.MsgspecError:
                _log.error("a post on the disk is damaged", extra={"file": path.name})
            else:
                if await self._crm.store.run(keep, self._crm.config, sent) is None:
                    _log.warning("a post on the disk was for a path that does not exist", extra={"file": path.name})
                count += 1
            await asyncio.to_thread(spool_folder.put_aside, path)
        return count


def keep(session: Session, config: Config, sent: Post) -> int | None:
    """The arrival of a post; None: its path is nobody's. Identical posts count once a day: portals repeat those that
    they believe lost."""
    source = sources.by_token(session, sent.token_hash, sent.at)
    if source is None:
        return None
    words = f"{sent.kind}\0{sent.query}\0{sent.body}{sent.file}"
    said = hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
    key = f"post:{source.id}:{sent.at:%Y-%m-%d}:{said[:40]}"
    if there := arrival.kept(session, key):
        return there.id
    raw: dict[str, object] = {"kind": sent.kind, "query": sent.query, "body": sent.body, "is_base64": sent.is_base64}
    if sent.file:
        raw |= {"file": sent.file, "bytes": sent.size}
    if not sent.is_whole:
        raw["is_whole"] = False
    node = config.node if sent.file else ""
    record = arrival.keep(session, key, CHANNEL, raw, PARSER, sent.at, node=node, is_read=False)
    record.source_id = source.id
    return record.id


def _spool(config: Config, sent: Post) -> None:
    if len(_waiting(config)) >= MOST_WAITING:
        raise Full
    written = msgspec.json.encode(sent)
    path = config.spool_folder / f"{hashlib.sha256(written).hexdigest()[:32]}.post"
    folders.write(path, written)
    folders.sync(config.spool_folder)


def _waiting(config: Config) -> list[Path]:
    """Oldest first."""
    found = []
    for path in config.spool_folder.glob("*.post"):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, path.name, path))
    return [path for _, _, path in sorted(found)]


# --- reading ---


@dataclass(frozen=True)
class ReadPost:
    """Who asks for what in a post, and how that was found."""

    several: Several
    parser: Parser


def opened(config: Config, raw: dict[str, object]) -> ReadPost:
    """What an arrival's post says. Raises OSError, FileNotFoundError among them."""
    if file := raw.get("file"):
        return ReadPost(*find(raw, mail_files.load(config.mails_folder, str(file))))
    return ReadPost(*find(raw))


def receive(session: Session, config: Config, record: ArrivalRecord, read: ReadPost, now: datetime) -> ArrivalOutcome:
    """Does what a post asks for."""
    source = session.get(LeadSource, record.source_id) if record.source_id else None
    found, parser = read.several.inquiries, read.parser
    is_whole = record.raw.get("is_whole", True)
    record.parser, record.parser_version = parser.name, parser.version
    name = source.name if source else "post"
    leads, nameless = [], 0
    for number, one in enumerate(found, start=1):
        meant = inquiries.meant_by(session, one, source, (), one.message)
        about = f" about {meant}" if meant.property else ""
        told = f"Asked through {name}{about}: {inquiries.described(one)}"
        if not is_whole:
            told += f"\n{_TOO_LARGE}"
        lead = inquiries.act(session, config, record, one, meant, name, told, Happened.FORM, now, number=number)
        leads += [lead] if lead else []
        nameless += lead is None and one.says_something
    if leads:
        inquiries.leave_the_rest(session, config, record, read.several, nameless, f"a post of {name}", now)
    else:
        inquiries.leave_to_somebody(session, config, record, f"a post of {name}", now)
    if not is_whole:
        record.problem = _TOO_LARGE
    return ArrivalOutcome.LEAD if leads else ArrivalOutcome.UNREADABLE


_TOO_LARGE = f"The post had more than {LONGEST // 2**20} MB, so it was refused, and only its beginning was kept."


def find(raw: dict[str, object], body: bytes | None = None) -> tuple[Several, Parser]:
    """Who asks for what, according to the first parser that can tell; and which one that was. `body` is that of a post
    in a file."""
    if body is None:
        body = base64.b64decode(str(raw["body"])) if raw.get("is_base64") else str(raw["body"]).encode()
    kind = str(raw.get("kind", ""))
    form = _form(body, kind)
    for document in _documents(body, form):
        try:
            return mits.inquiries(document), Parser(mits.NAME, mits.VERSION)
        except mits.Unreadable:
            continue
    words = _decoded(body)
    if words[:100].lstrip()[:1] in ("{", "["):
        try:
            posted = json.loads(words)
        except (ValueError, RecursionError):
            pass
        else:
            people = posted if isinstance(posted, list) else [posted]
            some = tuple(forms.inquiry(one) for one in people[: mits.MOST_PROSPECTS])
            return Several(some, len(some) == len(people)), PARSER
    query = dict(parse_qsl(str(raw.get("query", ""))))
    one = forms.inquiry(query | dict(form.fields))
    if not one.names_somebody:
        labeled = plain.inquiry(words[:LONGEST_ROW])
        if labeled.names_somebody:
            return Several((labeled,)), Parser(plain.NAME, plain.VERSION)
    return Several((one,)), PARSER


def _documents(body: bytes, form: _Form) -> Iterator[bytes | str]:
    """XML in a post: all of it, or a value or file of a form, as MITS is posted to property management systems."""
    if not mits.may_be(body):
        return
    if body.lstrip()[:1] == b"<" or body[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        yield body
    else:
        yield from (value for _, value in form.fields if "<LeadManagement" in value)
        yield from filter(mits.may_be, form.files)


MOST_FIELDS = 1000
"""Fields of a form; further ones are ignored."""


@dataclass(frozen=True)
class _Form:
    """What a form says; nothing: it is not a form."""

    fields: Sequence[tuple[str, str]]
    files: Sequence[bytes] = ()


def _form(body: bytes, kind: str) -> _Form:
    if kind.partition(";")[0].strip().lower() == "multipart/form-data":
        form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace") + body, policy=HTTP)
        parts = [part for part in form.walk() if not part.is_multipart()][:MOST_FIELDS]
        return _Form(
            [(_name(part), _decoded(_content(part))) for part in parts if part.get_filename() is None],
            [_content(part) for part in parts if part.get_filename() is not None],
        )
    if b"=" not in body[:LONGEST_ROW]:
        return _Form([])
    some = b"&".join(body.split(b"&", MOST_FIELDS)[:MOST_FIELDS])
    # In Latin-1 every byte is a character, so that each value's own bytes can be had back.
    pairs = parse_qsl(some.decode("latin-1"), encoding="latin-1")
    return _Form([(_decoded(name.encode("latin-1")), _decoded(value.encode("latin-1"))) for name, value in pairs])


def _name(part: Message) -> str:
    return str(part.get_param("name", header="content-disposition") or "")


def _content(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _decoded(words: bytes) -> str:
    """As UTF-8, or else as older programs write."""
    for encoding in ("utf-8", "cp1252"):
        with suppress(UnicodeDecodeError):
            return words.decode(encoding)
    return words.decode("utf-8", "replace")
