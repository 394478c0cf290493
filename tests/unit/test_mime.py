"""Reading mails from anybody: what they say, and that nothing breaks the reader or keeps it busy."""

from __future__ import annotations

import base64
import io
import time
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.edge import mime
from crm.edge.mime import Automatic, MailFile, Party

pytestmark = pytest.mark.unit


def test_a_mail_is_read_into_its_parts() -> None:
    raw = (
        b"From: =?utf-8?q?Ren=C3=A9?= Smith <Rene@Example.com>\r\n"
        b"To: Leasing <leasing@oak.example.com>, elm@oak.example.com\r\n"
        b"Delivered-To: leasing+elm@oak.example.com\r\n"
        b"Reply-To: <other@example.com>\r\n"
        b"Subject: =?utf-8?b?wr9Mb3M=?=\r\n =?utf-8?b?IGdhdG9zPw==?=\r\n"
        b"Date: Mon, 02 Mar 2026 10:00:00 -0600\r\n"
        b"Message-ID: <3@example.com>\r\n"
        b"In-Reply-To: <2@oak.example.com>\r\n"
        b"References: <1@oak.example.com>\r\n <2@oak.example.com>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Se=F1or\r\n"
        b'--b\r\nContent-Type: application/pdf; name="plan.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        b"JVBERi0=\r\n--b--\r\n"
    )
    mail = mime.read(raw)
    assert mail.sender == Party("René Smith", "Rene@Example.com")
    assert mail.reply_to.address == "other@example.com"
    assert mail.recipients == ("leasing@oak.example.com", "elm@oak.example.com", "leasing+elm@oak.example.com")
    assert mail.subject == "¿Los gatos?"
    assert mail.sent_at == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    assert (mail.message_id, mail.in_reply_to) == ("3@example.com", "2@oak.example.com")
    assert mail.references == ("1@oak.example.com", "2@oak.example.com")
    assert mail.text == "Señor"
    assert [(one.name, one.kind, one.content) for one in mail.files] == [("plan.pdf", "application/pdf", b"%PDF-")]
    assert mail.automatic is Automatic.NO


def archive(*names: str) -> bytes:
    with zipfile.ZipFile(out := io.BytesIO(), "w") as file:
        for name in names:
            file.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"MZ\x90\0\3" + bytes(700), "application/vnd.microsoft.portable-executable"),
        (b"<html><script>", "text/html"),
        (b"", "application/x-empty"),
        (b"Hello", "text/plain"),
        (archive("zeros"), "application/zip"),
        (archive("word/document.xml"), "application/zip"),
        (
            archive("[Content_Types].xml", "xl/workbook.xml"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    ],
    ids=["program", "page", "nothing", "words", "archive", "archive with a part", "document"],
)
def test_what_is_attached_is_what_is_in_it_whatever_its_name(content: bytes, kind: str) -> None:
    assert MailFile("stub.pdf", "application/pdf", content).found_kind == kind


def test_html_alone_is_read_as_words_in_lines() -> None:
    markup = (
        "<style>p {color: red}</style><script>alert(1)</script><p>Hello&nbsp;&amp; <b>good</b> day</p>"
        "<table><tr><td>Phone</td><td>512-555-0188</td></tr></table>a<br>b<!-- not this -->"
    )
    assert mime.text_of(markup).split("\n") == ["Hello & good day", "", "Phone\t512-555-0188", "", "a", "b"]


@pytest.mark.parametrize(
    ("charset", "content", "says"),
    [
        ("utf-8", "ñ".encode(), "ñ"),
        ("iso-8859-1", "ñ".encode("latin-1"), "ñ"),
        ("utf-8", "ñ".encode("latin-1"), "ñ"),
        ("us-ascii", "ñ".encode(), "ñ"),
        ("x-unknown", "ñ".encode(), "ñ"),
        ("", "ñ".encode("cp1252"), "ñ"),
        ("punycode", b"plain", "plain"),
        ("unicode_escape", b"\\u0041", "\\u0041"),
        ("hex", b"41", "41"),
    ],
)
def test_a_wrong_character_set_does_not_lose_the_words(charset: str, content: bytes, says: str) -> None:
    head = f"Content-Type: text/plain; charset={charset}\n\n" if charset else "\n"
    assert mime.read(head.encode() + content).text == says


def test_a_senders_address_is_not_taken_from_an_encoded_name() -> None:
    hidden = base64.b64encode(b"boss@oak.example.com <boss@oak.example.com>, ").decode()
    mail = mime.read(f"From: =?utf-8?b?{hidden}?= <pat@example.com>\n\nHi".encode())
    assert mail.sender.address == "pat@example.com"


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Friday.\n\nOn Mon, Mar 2, 2026 at 10:00 AM Oak <a@oak.example.com> wrote:\n> When?\n", "Friday."),
        (
            "El viernes.\n\nEl lun, 2 mar 2026 a las 10:00, Oak (<a@oak.example.com>) escribió:\n\n> ¿Cuándo?",
            "El viernes.",
        ),
        ("Ok\n\n> I quote this\n\nand answer below", "Ok\n\n\nand answer below"),
        ("Ok\n\n________________________________\nFrom: Oak <a@oak.example.com>\nSent: Monday\n\nWhen?", "Ok"),
        ("On Friday I wrote: no.\nBut now yes.", "On Friday I wrote: no.\nBut now yes."),
        ("word " * 2000 + "end", "word " * 2000 + "end"),
    ],
)
def test_what_is_new_in_an_answer_is_what_stands_above_quotes(text: str, new: str) -> None:
    assert mime.new_words(text) == new


def test_cleaned_html_has_nothing_that_acts_or_is_fetched() -> None:
    markup = (
        '<div style="x"><a href="https://a.example" onclick="b()">a</a><iframe src="c"></iframe><img src="d"></div>'
    )
    assert mime.cleaned(markup) == '<div><a href="https://a.example" rel="noopener noreferrer">a</a></div>'
    assert mime.cleaned("<p>" + "x" * mime.LONGEST_CLEANED) == ""


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    mime.read(raw)
    mime.fingerprint(raw)
    mime.message_id(raw)


DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
HOSTILE = {
    "nested deeply": DEEP + b"Content-Type: text/plain\n\nhi\n" + b"\n" * 20_000,
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 30_000,
    "one long header": b"Subject: " + b"=?utf-8?q?a?= " * 200_000 + b"\n\nhi",
    "many headers": b"".join(b"X-A%d: 1\n" % n for n in range(30_000)) + b"\nhi",
    "many addresses": b"To: " + b"a@example.com, " * 200_000 + b"\n\nhi",
    "comments in an address": b"From: " + b"(" * 200_000 + b"\n\nhi",
    "quotes in an address": b'From: "' + b'\\"' * 200_000 + b"\n\nhi",
    "HTML nested deeply": b"Content-Type: text/html\n\n" + b"<div>" * 200_000,
    "HTML that is never closed": b"Content-Type: text/html\n\n" + b"<a " * 300_000,
    "HTML of comments": b"Content-Type: text/html\n\n" + b"<!--" * 200_000,
    "entities": b"Content-Type: text/html\n\n" + b"&amp" * 250_000,
    "spaces": b"\n" + b" \t" * 500_000,
    "a header of parameters": b"Content-Type: text/plain; " + b"a*0=b; " * 100_000 + b"\n\nhi",
    "no line end": b"x" * 3_000_000,
    "lines in parts": DEEP[: 40 * 51] + b"\n" * 700_000,
    "comments, scripts and quotes in HTML": b"Content-Type: text/html\n\n" + b"<script><!--<a b='" * 50_000,
    "mails in mails": b"Content-Type: message/rfc822\n\n" * 3000,
    "rubies": b"Content-Type: text/html\n\n" + b"<rt>" * 45_000,
    "words that begin a quote": b"\n" + b"On " * 100_000,
    "references": b"References: " + b"<a@b> " * 100_000 + b"\n\nhi",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_mail_takes_little_time_to_read(kind: str) -> None:
    began = time.process_time()
    mime.read(HOSTILE[kind])
    mime.fingerprint(HOSTILE[kind])
    text = HOSTILE[kind].decode("latin-1")
    mime.cleaned(text[: mime.LONGEST_CLEANED])
    mime.new_words(text)
    assert time.process_time() - began < 2


def test_emails_without_headers_and_text_are_told_apart_and_a_copy_is_not() -> None:
    garbage = (
        b"hello, is it free?\n",
        b"is it still free?\n",
        b"\x00\xff" * 40,
        b"\xff\x00" * 40,
        b"Subject: x\nnot a header\n",
    )
    assert len({mime.fingerprint(raw) for raw in garbage}) == len(garbage)
    mail = b"Message-ID: <3@example.com>\r\nFrom: pat@example.com\r\n\r\n"
    assert mime.fingerprint(b"Received: by mx.example.com\r\n" + mail) == mime.fingerprint(mail)
