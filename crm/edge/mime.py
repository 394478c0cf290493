"""A mail as it came over the wire, read into its parts: RFC 5322 and MIME (RFC 2045 to 2049, 2231).

Mails come from anybody, so everything is bounded, and what cannot be read is passed over rather than raised: a part in
an unknown character set becomes readable as far as it goes, and a broken one is an attachment. The header parser of
Python's newer policies is not used: crafted headers make it take minutes.
"""

from __future__ import annotations

import email
import email.errors
import email.header
import email.utils
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from enum import StrEnum

LONGEST_TEXT = 100_000
"""Characters of a mail's words that are read."""
LONGEST_HTML = 1_000_000
"""Bytes of a mail's HTML that are read."""
LONGEST_HEADER = 10_000
LONGEST_HEAD = 640_000
"""Bytes of all headers together."""
BEGINNING = 256 * 1024
MOST_LINES = 600_000
"""A mail of 25 MB has some 340,000; each is compared with the boundaries of all parts that it is in."""
MOST_BOUNDARIES = 30
MOST_PARTS = 200
MOST_ADDRESSES = 100


class Automatic(StrEnum):
    """What kind of program wrote a mail, by its headers."""

    NO = ""
    """A person did, as far as one can tell."""
    NOTICE = "notice"
    """A program told something on its own account (RFC 3834: auto-generated), or it went to a list."""
    REPLY = "reply"
    """It answers by itself, such as an out-of-office note."""
    BOUNCE = "bounce"
    """A mail server reports what became of a mail (RFC 3464)."""


@dataclass(frozen=True)
class Party:
    """Somebody in a header."""

    name: str = ""
    address: str = ""
    """As it was written; empty: none."""


@dataclass(frozen=True)
class MailFile:
    """An attachment, with what the sender says of it."""

    name: str
    kind: str
    """MIME type."""
    content: bytes


@dataclass(frozen=True)
class ReadMail:
    """What a mail says."""

    message_id: str = ""
    """Without angle brackets; empty: it has none."""
    sender: Party = Party()
    reply_to: Party = Party()
    recipients: tuple[str, ...] = ()
    """Addresses it was sent to and delivered to, in lower case."""
    subject: str = ""
    sent_at: datetime | None = None
    """As the sender says; None: they don't, or not readably."""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    """Message-IDs of the mails before it, the oldest first."""
    text: str = ""
    """Its words: the plain text, or what the HTML says."""
    html: str = ""
    """As it came, not cleaned."""
    files: tuple[MailFile, ...] = ()
    automatic: Automatic = Automatic.NO


def read(raw: bytes) -> ReadMail:
    """Reads a mail. Whatever the bytes are, something comes out."""
    message = _parsed(raw)
    found = _Parts()
    for part in _leaves(message):
        found.take(part)
    sender = _party(message, "From")
    return ReadMail(
        message_id=_id(_header(message, "Message-ID")),
        sender=sender,
        reply_to=_party(message, "Reply-To"),
        recipients=_recipients(message),
        subject=" ".join(_header(message, "Subject").split())[:500],
        sent_at=_date(_header(message, "Date")),
        in_reply_to=next(iter(_ids(_header(message, "In-Reply-To"))), ""),
        references=_ids(_header(message, "References")),
        text=_words(found.plain) or text_of(found.html),
        html=found.html,
        files=tuple(found.files),
        automatic=_automatic(message, sender),
    )


def fingerprint(raw: bytes) -> str:
    """The same for a mail that comes twice, whichever way and with whichever line ends: of what its sender wrote, and
    not of what servers added on the way."""
    text = raw.replace(b"\r\n", b"\n")
    message, body = email.message_from_bytes(_head(text)), _body(text)
    parts = [_header(message, name) for name in ("Message-ID", "Date", "From", "Subject")]
    written = b"\n".join(line.rstrip() for line in body.rstrip().split(b"\n"))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace") + b"\0" + written).hexdigest()


def message_id(raw: bytes) -> str:
    """The Message-ID of a mail, without angle brackets; empty: it has none."""
    return _id(_header(email.message_from_bytes(_head(raw)), "Message-ID"))


def text_of(markup: str) -> str:
    """What HTML says, as plain text with its lines.

    A parser that nests elements as browsers do takes minutes for some kilobytes of HTML that was made for it, so tags
    are only taken away, each pattern once from front to back.
    """
    plain = markup[:LONGEST_HTML]
    for pattern in _UNSEEN:
        plain = pattern.sub(" ", plain)
    # Line ends of the source mean nothing.
    plain = plain.replace("\r", " ").replace("\n", " ").replace("\t", " ")
    return _words(html.unescape(_TAG.sub(_break, plain)))


def _parsed(raw: bytes) -> Message:
    """The parts of a mail; of one that was made to be hard to take apart, its headers and its beginning."""
    if raw.count(b"\n") > MOST_LINES:
        raw = raw[:BEGINNING]
    if raw[:MOST_LINES].lower().count(b"boundary=") <= MOST_BOUNDARIES:
        try:
            return email.message_from_bytes(raw)
        except RecursionError:
            pass
    return email.message_from_bytes(_HEAD_OF_TEXT + _head(raw).rstrip() + b"\n\n" + _body(raw)[:BEGINNING])


def _head(raw: bytes) -> bytes:
    end = _HEAD_END.search(raw[:LONGEST_HEAD])
    return raw[: end.start() if end else LONGEST_HEAD] + b"\n\n"


def _body(raw: bytes) -> bytes:
    end = _HEAD_END.search(raw[:LONGEST_HEAD])
    return raw[end.end() :] if end else b""


_HEAD_END = re.compile(rb"\r?\n\r?\n")
_HEAD_OF_TEXT = b"Content-Type: text/plain\n"
"""In front, because of two headers of a name the first counts."""

# --- bodies ---

_UNSEEN = (
    re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL),
    re.compile(r"<(script|style|title|head)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE),
)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)?[^<>]*>?")
_LINES = frozenset(
    ("br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "blockquote", "hr", "dt")
)
"""Tags that say where a line ends."""


def _break(tag: re.Match[str]) -> str:
    name = (tag[1] or "").lower()
    if name in ("td", "th"):
        return "\t" if tag[0].startswith("</") else ""
    return "\n" if name in _LINES else ""


class _Parts:
    """What is found while the parts are looked through."""

    def __init__(self) -> None:
        self.plain = ""
        self.html = ""
        self.files: list[MailFile] = []

    def take(self, part: Message) -> None:
        kind = part.get_content_type()
        is_file = part.get_content_disposition() == "attachment" or bool(_file_name(part))
        if kind == "text/plain" and not is_file and len(self.plain) < LONGEST_TEXT:
            self.plain += ("\n" if self.plain else "") + _decoded(part, LONGEST_TEXT * 4)[:LONGEST_TEXT]
        elif kind == "text/html" and not is_file and not self.html:
            self.html = _decoded(part, LONGEST_HTML)
        else:
            self.files.append(MailFile(_file_name(part), kind, _bytes(part)))


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that have content, in order. What a mail carries as a mail is one of them."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        for name in ("Content-Type", "Content-Disposition"):
            if len(written := str(part.get(name, ""))) > LONGEST_HEADER:
                # It is taken apart again and again.
                part.replace_header(name, written[:LONGEST_HEADER])
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting[:0] = [one for one in inner[:MOST_PARTS] if isinstance(one, Message)]
        else:
            yield part


def _bytes(part: Message) -> bytes:
    inner = part.get_payload()
    if isinstance(inner, list):
        try:
            return b"\n".join(one.as_bytes() for one in inner if isinstance(one, Message))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            # What cannot be written again is kept in the raw mail.
            return b""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decoded(part: Message, longest: int) -> str:
    content = _bytes(part)[:longest]
    declared = part.get_param("charset")
    # RFC 2231 gives charset, language and value.
    charset = declared[2] if isinstance(declared, tuple) else declared
    return _text(content, charset if isinstance(charset, str) else "")


_CHARSETS = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?125\d|cp125\d|koi8-?[ru]|gb2312|gbk|gb18030|big5|"
    r"euc-?(jp|kr)|shift[_-]?jis|iso-2022-(jp|kr)|utf-?16(le|be)?|utf-7|mac-?roman",
    re.IGNORECASE | re.ASCII,
)
"""Those that mail is written in. Python has others that take long, or unpack."""


def _text(content: bytes, charset: str = "") -> str:
    """As it was meant, or as near as one can get."""
    tried = [charset.strip().strip("\"'")] if charset else []
    for name in (*tried, "utf-8", "cp1252"):
        if _CHARSETS.fullmatch(name):
            try:
                return content.decode(name)
            except (UnicodeDecodeError, LookupError):
                continue
    return content.decode("latin-1")


_SPACES = re.compile(r"[ \t\u00a0]+")


def _words(text: str) -> str:
    """Lines without what nobody reads: control characters, spaces at their ends, rows of empty ones."""
    kept = "".join(one if one.isprintable() or one in "\n\t" else " " for one in text.replace("\r\n", "\n"))
    lines = [
        _SPACES.sub(lambda found: "\t" if "\t" in found[0] else " ", line).strip()
        for line in kept.replace("\r", "\n").split("\n")
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:LONGEST_TEXT]


def _file_name(part: Message) -> str:
    try:
        named = part.get_filename() or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        named = "attachment"
    return "".join(one for one in _unfolded(str(named)) if one.isprintable())[:200]


# --- headers ---


def _header(message: Message, name: str) -> str:
    """A header in readable characters; empty: there is none."""
    wanted = name.lower()
    for found, value in message.raw_items():
        if found.lower() == wanted:
            return _unfolded(str(value)[:LONGEST_HEADER])
    return ""


def _all(message: Message, *names: str) -> Iterator[str]:
    for found, value in message.raw_items():
        if found.lower() in names:
            yield _unfolded(str(value)[:LONGEST_HEADER])


def _unfolded(value: str) -> str:
    """Decodes encoded words (RFC 2047), and bytes that were sent without."""
    plain = _text(value.encode("utf-8", "surrogateescape"))
    plain = re.sub(r"[\r\n]+[ \t]*", " ", plain)
    if "=?" not in plain:
        return _printable(plain)
    try:
        pieces = email.header.decode_header(plain)
    except (email.errors.HeaderParseError, ValueError):
        return _printable(plain)
    words = [
        _text(piece, charset or "") if isinstance(piece, bytes) else piece
        for piece, charset in ((piece, str(charset or "")) for piece, charset in pieces)
    ]
    return _printable("".join(words))


def _printable(value: str) -> str:
    readable = value.encode("utf-8", "replace").decode("utf-8")
    return "".join(one if one.isprintable() else " " for one in readable).strip()


def _party(message: Message, name: str) -> Party:
    raw = next(
        (str(value)[:LONGEST_HEADER] for found, value in message.raw_items() if found.lower() == name.lower()), ""
    )
    # Addresses are told apart before encoded words are read: what these say may look like another address.
    for display, address in _addresses([re.sub(r"[\r\n]+", " ", raw)]):
        if "@" in address:
            return Party(_unfolded(display)[:200], _unfolded(address)[:320])
    return Party()


def _recipients(message: Message) -> tuple[str, ...]:
    raw = list(_all(message, "to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-forwarded-to"))
    found = [address.strip().lower() for _, address in _addresses(raw[:20]) if "@" in address]
    return tuple(dict.fromkeys(found))[:MOST_ADDRESSES]


def _addresses(raw: list[str]) -> list[tuple[str, str]]:
    try:
        return email.utils.getaddresses(raw)
    except RecursionError:
        # Comments in comments in comments.
        return []


def _date(raw: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(raw[:100])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


_MESSAGE_ID = re.compile(r"<([^<>\s]{1,250})>")


def _ids(raw: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_MESSAGE_ID.findall(raw)))[-50:]


def _id(raw: str) -> str:
    found = _ids(raw)
    return found[0] if found else raw.strip().strip("<>")[:250]


_REPLIES = re.compile(
    r"(auto(matic|mated)?[ -]?(reply|response|antwort)|out of (the )?office|away from (my )?(email|office)|"
    r"respuesta autom[aá]tica|fuera de (la )?oficina|r[eé]ponse automatique|abwesenheit)\b",
    re.IGNORECASE,
)
_BOUNCES = re.compile(
    r"(undeliver(able|ed)|delivery (status notification|failure|has failed)|mail delivery (failed|subsystem)|"
    r"returned mail|failure notice|message not delivered)\b",
    re.IGNORECASE,
)
_SERVERS = re.compile(r"(mailer-daemon|postmaster|mail-daemon)@", re.IGNORECASE)


def _automatic(message: Message, sender: Party) -> Automatic:
    """Who wrote it (RFC 3834, 2, and what is customary besides)."""
    submitted = _header(message, "Auto-Submitted").lower()
    subject = _header(message, "Subject")
    envelope = _header(message, "Return-Path").replace(" ", "")
    if message.get_content_type() == "multipart/report" or _SERVERS.match(sender.address):
        return Automatic.BOUNCE
    if envelope == "<>" and _BOUNCES.match(subject):
        return Automatic.BOUNCE
    precedence = _header(message, "Precedence").lower()
    if (
        submitted.startswith("auto-replied")
        or precedence == "auto_reply"
        or any(_header(message, name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From"))
        or envelope == "<>"
        or _REPLIES.match(subject)
    ):
        return Automatic.REPLY
    is_told = submitted and submitted.split(";")[0].strip() != "no"
    if is_told or precedence in ("bulk", "junk", "list") or any(_all(message, *_LISTS)):
        return Automatic.NOTICE
    return Automatic.NO


_LISTS = ("list-id", "list-unsubscribe", "list-post", "list-help", "list-owner", "list-subscribe", "list-archive")
