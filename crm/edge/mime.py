"""Parses an email as it came over the wire: RFC 5322 and MIME (RFC 2045 to 2049, 2231).

Anybody can send one, so everything is bounded, and whatever cannot be parsed is skipped instead of raised: a part in an
unknown character set is decoded as far as possible, and a broken one becomes an attachment. The header parser of
Python's newer policies is not used: crafted headers keep it busy for minutes.
"""

from __future__ import annotations

import email
import email.errors
import email.header
import email.utils
import functools
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from enum import StrEnum

import nh3
import puremagic
from mailparser_reply import EmailReplyParser

LONGEST_TEXT = 100_000
"""Characters of an email's text that are read."""
LONGEST_HTML = 1_000_000
"""Bytes of an email's HTML that are read."""
LONGEST_HEADER = 10_000
LONGEST_HEAD = 640_000
"""Bytes of all headers together."""
BEGINNING = 256 * 1024
MOST_LINES = 600_000
"""An email of 25 MB has some 340,000; each is compared with the boundaries of all parts that contain it."""
MOST_BOUNDARIES = 30
MOST_PARTS = 200
MOST_ADDRESSES = 100


class Automatic(StrEnum):
    """Whether a program wrote the email, and of which kind, by its headers."""

    NO = ""
    """A person wrote it, as far as one can tell."""
    NOTICE = "notice"
    """A program reports something of its own accord (RFC 3834: auto-generated), or the email went to a mailing list."""
    REPLY = "reply"
    """An automatic reply, such as an out-of-office note."""
    BOUNCE = "bounce"
    """A mail server reports what became of an email (RFC 3464)."""


@dataclass(frozen=True)
class Party:
    """A sender or other party named in a header."""

    name: str = ""
    address: str = ""
    """As it was written; empty if there is none."""


_OFFICE = ("application/vnd.openxmlformats-officedocument.", "application/vnd.ms-")
_OFFICE_PARTS = {
    b"word/": f"{_OFFICE[0]}wordprocessingml.document",
    b"xl/": f"{_OFFICE[0]}spreadsheetml.sheet",
    b"ppt/": f"{_OFFICE[0]}presentationml.presentation",
}


@dataclass(frozen=True)
class MailFile:
    """An attachment, with the name and type that the sender gave it."""

    name: str
    kind: str
    """MIME type, as the sender says."""
    content: bytes

    @property
    def found_kind(self) -> str:
        """MIME type by what is in it, whatever the sender says."""
        if not self.content:
            return "application/x-empty"
        try:
            found = puremagic.magic_string(self.content[:4096])
        except (puremagic.PureError, ValueError):
            found = []
        best = found[0].mime_type if found else ""
        if self.content.startswith(b"MZ"):
            return "application/vnd.microsoft.portable-executable"
        if self.content.startswith(b"PK\3\4") and best.startswith(_OFFICE):
            # Any archive begins like that; what is in it says whether it is a document.
            inside = (kind for part, kind in _OFFICE_PARTS.items() if part in self.content)
            return next(inside, "application/zip") if b"[Content_Types].xml" in self.content else "application/zip"
        if best:
            return best[:100]
        # What has no zero byte is most likely text of some kind; it is never shown as HTML.
        return "application/octet-stream" if b"\0" in self.content[:4096] else "text/plain"


@dataclass(frozen=True)
class Bounced:
    """A mail that a server could not deliver (RFC 3464)."""

    message_id: str
    """Of the mail, without angle brackets."""
    is_final: bool
    """False: the server goes on trying."""
    status: str
    """Such as 5.1.1 (RFC 3463); empty: it does not say."""
    why: str
    """In the server's words; empty: it does not say."""


@dataclass(frozen=True)
class ReadMail:
    """The contents of an email."""

    message_id: str = ""
    """Without angle brackets; empty if there is none."""
    sender: Party = Party()
    reply_to: Party = Party()
    recipients: tuple[str, ...] = ()
    """Addresses it was sent and delivered to, in lower case."""
    subject: str = ""
    sent_at: datetime | None = None
    """Date header, aware; None if it is missing or unreadable."""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    """Message-IDs of the earlier emails in the thread, oldest first."""
    text: str = ""
    """The plain text, or else the text of the HTML."""
    html: str = ""
    """As received, not sanitized."""
    files: tuple[MailFile, ...] = ()
    automatic: Automatic = Automatic.NO
    is_spam: bool = False
    """Whether the office's own mail server says so."""
    bounced: Bounced | None = None
    """Of a bounce: what came back, if it says."""


def read(raw: bytes) -> ReadMail:
    """Parses an email. Accepts any bytes and never raises."""
    message = _parsed(raw)
    found = _Parts()
    for part in _leaves(message):
        found.take(part)
    sender = _party(message, "From")
    automatic = _automatic(message, sender)
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
        automatic=automatic,
        is_spam=_is_spam(message),
        bounced=_bounced(message) if automatic is Automatic.BOUNCE else None,
    )


def fingerprint(raw: bytes) -> str:
    """Returns a hash that is the same for all copies of an email, whatever their route and line endings: it covers what
    the sender wrote, and nothing that servers added on the way."""
    text = raw.replace(b"\r\n", b"\n")
    message, body = email.message_from_bytes(_head(text)), _body(text)
    parts = [_header(message, name) for name in ("Message-ID", "Date", "From", "Subject")]
    # What has neither, such as bytes that are no email, is told apart by all of it.
    said = body if parts[0] or body.strip() else text
    written = b"\n".join(line.rstrip() for line in said.rstrip().split(b"\n"))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace") + b"\0" + written).hexdigest()


def message_id(raw: bytes) -> str:
    """Returns the Message-ID of an email, without angle brackets; empty if there is none."""
    return _id(_header(email.message_from_bytes(_head(raw)), "Message-ID"))


def text_of(markup: str) -> str:
    """Converts HTML to plain text with line breaks.

    A parser that nests elements as browsers do takes minutes for some kilobytes of crafted HTML, so tags are only
    removed, each pattern in a single pass.
    """
    plain = markup[:LONGEST_HTML]
    for pattern in _UNSEEN:
        plain = pattern.sub(" ", plain)
    # Line breaks in the source mean nothing.
    plain = plain.replace("\r", " ").replace("\n", " ").replace("\t", " ")
    return _words(html.unescape(_TAG.sub(_break, plain)))


def cleaned(markup: str) -> str:
    """HTML without scripts, styles, pictures and forms, that can be shown on a page; empty where it is too long, or
    nested so deeply that a parser would take minutes."""
    if len(markup) > LONGEST_CLEANED:
        return ""
    depth = 0
    for tag in _ANY_TAG.finditer(markup):
        name = tag[2].lower()
        if name not in _CLOSED_ANYWAY:
            depth += -1 if tag[1] else 1
        if depth > DEEPEST:
            return ""
    return nh3.clean(markup, tags=_SHOWN, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto", "tel"})


def sender(raw: bytes) -> str:
    """The address in the From header of a mail, in lower case; empty: there is none."""
    return _party(email.message_from_bytes(_head(raw)), "From").address.lower()


def new_words(text: str) -> str:
    """What somebody has written, without the mails below that they answer, and without quotes."""
    words = text[:LONGEST_ANSWER]
    if found := _QUOTES_BELOW.search(words):
        words = words[: found.start()]
    # The library's patterns take a time that grows with the square of the length.
    beginning, rest = words[:LONGEST_PARSED], words[LONGEST_PARSED:]
    new = _parser().parse_reply(text=beginning) or ""
    if rest and len(new) >= len(beginning.rstrip()) - 1:
        new = words
    lines = [line for line in new.split("\n") if not line.startswith(">")]
    return "\n".join(lines).strip()


@functools.cache
def _parser() -> EmailReplyParser:
    return EmailReplyParser(languages=["en", "es"])


LONGEST_ANSWER = 20_000
LONGEST_PARSED = 4_000
_QUOTES_BELOW = re.compile(
    r"^(?:El .{5,120} escribió:|On .{5,120} wrote:|-{2,} ?(?:Original Message|Mensaje original) ?-{2,}|_{20,})[ \t]*$",
    re.MULTILINE,
)
LONGEST_CLEANED = 200_000
DEEPEST = 300
_ANY_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_CLOSED_ANYWAY = frozenset(
    ("br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr", "p", "li", "td", "th", "tr", "dd", "dt")
)
"""Tags of elements that have no content, or that end where the next one begins."""
_SHOWN = {
    *("p", "br", "div", "span", "b", "strong", "i", "em", "u", "s", "a", "blockquote", "pre", "code", "hr"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "td", "th", "h1", "h2", "h3", "h4"),
}


def _parsed(raw: bytes) -> Message:
    """Parses the parts of an email; of one made to be expensive to parse, only its headers and its beginning."""
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
"""Put in front, because the first of two headers with the same name counts."""

# --- bodies ---

_UNSEEN = (
    re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL),
    re.compile(r"<(script|style|title|head)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE),
)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)?[^<>]*>?")
_LINES = frozenset(
    ("br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "blockquote", "hr", "dt")
)
"""Tags that end a line."""


def _break(tag: re.Match[str]) -> str:
    name = (tag[1] or "").lower()
    if name in ("td", "th"):
        return "\t" if tag[0].startswith("</") else ""
    return "\n" if name in _LINES else ""


class _Parts:
    """Collects the text and the files of the parts."""

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
    """Yields the parts that have content, in order. An attached email is one part."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        for name in ("Content-Type", "Content-Disposition"):
            if len(written := str(part.get(name, ""))) > LONGEST_HEADER:
                # It is parsed again at every access.
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
            # An email that cannot be serialized is still in the raw file.
            return b""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decoded(part: Message, longest: int) -> str:
    content = _bytes(part)[:longest]
    declared = part.get_param("charset")
    # RFC 2231 values are tuples of charset, language and value.
    charset = declared[2] if isinstance(declared, tuple) else declared
    return _text(content, charset if isinstance(charset, str) else "")


_CHARSETS = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?125\d|cp125\d|koi8-?[ru]|gb2312|gbk|gb18030|big5|"
    r"euc-?(jp|kr)|shift[_-]?jis|iso-2022-(jp|kr)|utf-?16(le|be)?|utf-7|mac-?roman",
    re.IGNORECASE | re.ASCII,
)
"""Charsets used in email. Python has other codecs that are slow or that decompress."""


def _text(content: bytes, charset: str = "") -> str:
    """Decodes bytes in the declared charset, or else in the most likely one."""
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
    """Removes what nobody reads: control characters, spaces at the ends of lines, runs of empty lines."""
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
    """Returns a header, decoded and printable; empty if there is none."""
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
    """Decodes encoded words (RFC 2047) and raw non-ASCII bytes, and unfolds the value."""
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
    # Addresses are split before encoded words are decoded, because decoded words may look like another address.
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
        # Deeply nested comments.
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


def _is_spam(message: Message) -> bool:
    """Reads the headers in which SpamAssassin, Rspamd and others say what they think of an email
    (Mail::SpamAssassin::Conf, report options). A sender who writes them only hides themselves."""
    flags = (_header(message, name).strip().lower() for name in ("X-Spam-Flag", "X-Spam", "X-Spam-Status"))
    return any(re.match(r"(?:yes|true)\b", flag) for flag in flags)


def _automatic(message: Message, sender: Party) -> Automatic:
    """Tells who wrote an email (RFC 3834, 2, and common practice)."""
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


def _bounced(message: Message) -> Bounced | None:
    """What came back: from the machine-readable part, and from the mail, or its headers, that is attached."""
    status = why = message_id = ""
    is_final = True
    for part in _leaves(message):
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            report = _bytes(part).decode("latin-1")[:20_000]
            status = _field(report, "Status")[:20]
            why = _field(report, "Diagnostic-Code").partition(";")[2].strip()[:200]
            is_final = _field(report, "Action").lower() != "delayed"
        elif kind in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            message_id = _id(_field(_bytes(part).decode("latin-1")[:100_000], "Message-ID"))
    return Bounced(message_id, is_final, status, why) if message_id else None


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", text, re.MULTILINE | re.IGNORECASE)
    return " ".join(found[1].split()) if found else ""


_LISTS = ("list-id", "list-unsubscribe", "list-post", "list-help", "list-owner", "list-subscribe", "list-archive")
