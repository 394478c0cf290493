"""Settings of texts and emails, both ways."""

from __future__ import annotations

import msgspec

from crm.config.ranges import NotNegative, NotNegativeInt, Positive, PositiveInt

TEXT_CARRIERS = ("sip", "twilio", "telnyx")
WITH_SECRET = TEXT_CARRIERS[1:]
"""Those that know us by a secret; a SIP trunk has its own."""


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carrier: str = "sip"
    """How texts are sent: sip (through a trunk, by SIP MESSAGE), twilio or telnyx."""
    trunk: str = ""
    """Name of the trunk that sends texts by SIP; empty: the first enabled one."""
    twilio_account: str = ""
    """Twilio's Account SID, AC...; its auth token is a secret: `leaseline message secret twilio`."""
    twilio_url: str = "https://api.twilio.com"
    telnyx_public_key: str = ""
    """Telnyx's public key, base64, to verify its webhooks."""
    telnyx_url: str = "https://api.telnyx.com"
    replay_seconds: PositiveInt = 300
    """A Telnyx webhook is refused if its timestamp differs from our clock by more than this."""
    per_person_per_hour: NotNegativeInt = 6
    """Texts sent to one person per hour; more wait. 0: no limit."""
    per_hour: NotNegativeInt = 200
    """Texts sent per hour in total; more wait. 0: no limit."""
    per_day: NotNegativeInt = 1000
    """Texts sent per 24 hours in total; more wait. 0: no limit."""
    automatic_percent: int = 60
    """Share of per_hour and per_day that automatic texts (links, missed calls, callbacks, follow-ups) may use; the rest
    is for agents and tours. 100: all."""
    confirmations_per_person_per_day: NotNegativeInt = 4
    """Replies to STOP, START and HELP that one number gets per 24 hours. What it asks for is done in any case. 0: no
    limit."""
    confirmations_per_hour: NotNegativeInt = 60
    """Replies to STOP, START and HELP to all numbers together per hour. 0: no limit."""
    spike_texts: NotNegativeInt = 30
    """All automatic texts pause if callers trigger this many within spike_minutes, and spike_times as many as usual; 0:
    never."""
    spike_times: Positive = 10.0
    """Usual is the average of the last seven days."""
    spike_minutes: PositiveInt = 10
    pause_minutes: PositiveInt = 180
    """A pause ends by itself after this long."""
    at_once: PositiveInt = 8
    """Texts that are handed to the carrier at the same time, at most one per person."""
    incoming_per_sender_per_hour: NotNegativeInt = 20
    """Texts per number and hour that people are notified of one by one; further ones only appear in the thread. 0: no
    limit."""
    incoming_per_line_per_minute: NotNegativeInt = 20
    """Above this many texts to one line per minute, unknown numbers no longer get a lead and a task each; one task
    covers them all. 0: no limit."""
    attempts: NotNegativeInt = 0
    """Attempts before a text counts as failed; 0: as many as fit into the time it is useful, from five minutes for the
    confirmation of a STOP to three days for what an agent writes."""
    first_retry_seconds: Positive = 10.0
    """Wait before the second attempt; doubles each time, up to an hour, plus or minus 20 percent."""
    missed_per_caller_seconds: int = 3600
    """One number gets at most one missed-call text within this time."""
    missed_shortest_seconds: NotNegative = 3.0
    """Callers who hang up earlier than this, before the menu began, get no missed-call text; 0: everyone gets one."""


MAIL_SECURITIES = ("starttls", "tls", "none")


class MailIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Email from people outside and from listing portals, in a folder that is read over IMAP and never changed. The
    password is a secret: `leaseline mail secret --in`."""

    server: str = ""
    """Host of the mailbox; empty: there is none, and email comes by `leaseline lead intake` alone."""
    port: PositiveInt = 993
    security: str = "tls"
    """tls (port 993), starttls (port 143), or none, for a server on this machine."""
    user: str = ""
    """The user to log in as."""
    folder: str = "INBOX"
    """The folder that is read."""
    address: str = ""
    """Address whose email ends up there, e.g. leads@example.com. Answers go to it with a token after a plus, as in
    leads+k3jx...@example.com, which the mail server has to accept; empty: they go to mail.from_address."""
    look_minutes: Positive = 2.0
    """How often it is looked into if the server does not report new email by itself (IDLE)."""
    longest_megabytes: PositiveInt = 25
    """Of a larger email only the beginning is kept."""


class MailTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An email that is written often. {name}, {first_name}, {property}, {agent}, {office} and {text}, what is written
    besides, are filled in."""

    subject: str
    text: str


class MailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Email to people in the office: notices, and voicemail with its audio. The password is a secret: `leaseline mail
    secret`."""

    server: str = ""
    """Host that accepts our email; empty: emails wait, and count as failed after two days."""
    port: PositiveInt = 587
    security: str = "starttls"
    """starttls (port 587), tls (port 465), or none, for a server on this machine."""
    user: str = ""
    """The user to log in as; empty: no login."""
    from_address: str = ""
    """Address the emails come from, e.g. phone@example.com."""
    attempts: PositiveInt = 8
    """Attempts before an email counts as failed."""
    first_retry_seconds: Positive = 30.0
    """Wait before the second attempt; doubles each time, up to an hour."""
    postal_address: str = ""
    """The office's postal address, in one line; offers and news by email have to carry it."""
    templates: dict[str, MailTemplate] = {}
    """Emails that are written often, by name: [mail.templates.NAME] with subject and text, in which {name},
    {first_name}, {property}, {agent}, {office} and {text}, what is written besides, are filled in."""
    relay_domains: tuple[str, ...] = ()
    """Domains of portals that pass mail on, besides those that are known (Zillow's and Craigslist's): people are
    answered at such an address, but it never counts as their own."""
    incoming: MailIn = msgspec.field(default=MailIn(), name="in")
