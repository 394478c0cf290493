"""The settings, and where everything lives: one home folder with `leaseline.toml` in it.

The file is read once, by the entry point, and passed down; nothing else reads it or the environment.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import tomllib
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

_ADDRESS = re.compile(r"[^@\s<>,;:\"\\]+@[^@\s<>,;:\"\\]+\.[^@\s<>,;:\"\\.]+")

_OUT_OF_RANGE = re.compile(r"Expected `\w+` (>= 0|> 0|>= 1)(?:\.0)? - at `\$\.([\w.]+)`")
"""How msgspec reports a number below its lower bound."""

Positive = Annotated[float, msgspec.Meta(gt=0)]
PositiveInt = Annotated[int, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
NotNegativeInt = Annotated[int, msgspec.Meta(ge=0)]


NODE = "node"
"""File in the home with the system's name among those that share a database."""


class ConfigError(Exception):
    """leaseline.toml is missing or wrong; the message says which key and what to write instead."""


class Ports(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All ports this system listens on. They are bound to loopback, except sip, sips and rtp, with web.bind also web,
    webhooks and site, and with api.bind also api."""

    sip: int = 5060
    """SIP over UDP and TCP."""
    sips: int = 5061
    """SIP over TLS."""
    http: int = 8088
    """Asterisk's HTTP server with ARI."""
    ami: int = 5038
    """Asterisk's manager interface."""
    agi: int = 4573
    """Our FastAGI server."""
    web: int = 8090
    """Our web server: the tour pages that texts link to."""
    webhooks: int = 8091
    """Only the carriers' webhooks, and what portals post; `web` answers both as well, but visitors may crowd them out
    there."""
    site: int = 8092
    """The public site, with listings and forms."""
    api: int = 8093
    """The REST API."""
    voice: int = 8094
    """Where the app meets the voice agent's process."""
    hep: int = 9060
    """UDP port where Asterisk sends us a copy of each SIP message (HEP)."""
    demo: int = 5090
    """First of ten ports for the demo's phones."""
    rtp_first: int = 10000
    rtp_last: int = 10999


class Sip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How phones and trunks reach this machine."""

    bind: str = "0.0.0.0"
    """Address for SIP and RTP."""
    hostname: str = ""
    """Name under which phones find this machine, e.g. phone.example.com; empty: its address in the office network."""
    public_address: str = ""
    """This machine's address as trunks outside the local network see it; empty if there is no NAT in between."""
    local_network: str = ""
    """The office network, e.g. 192.168.1.0/24; only needed with public_address."""
    qualify_seconds: PositiveInt = 20
    """How often each phone and trunk is qualified (SIP OPTIONS)."""
    certificate: str = ""
    """PEM file with your own certificate for SIP over TLS; empty: Leaseline makes one. Read when Asterisk starts."""
    private_key: str = ""
    """PEM file with its private key, readable only by the user that runs Leaseline."""
    trusted_certificates: str = "/etc/ssl/certs/ca-certificates.crt"
    """PEM file with the authorities that are trusted to sign certificates of trunks over TLS."""


class CallLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many callers there may be; 0: no limit. A caller above a limit gets a 503 before the call is answered;
    `leaseline status` counts them."""

    calls: NotNegativeInt = 100
    """Callers from all trunks at the same time; in any case few enough to leave RTP ports for outgoing calls."""
    trunk_calls: NotNegativeInt = 60
    """Callers from one trunk at the same time."""
    trunk_new_per_second: NotNegativeInt = 20
    """New callers from one trunk per second."""
    caller_calls: NotNegativeInt = 10
    """Calls from the same number at the same time. Set it to 0 behind a phone system that shows its own number for
    all."""
    caller_new_per_minute: NotNegativeInt = 20
    """Calls from the same number per minute. Set it to 0 behind a phone system that shows its own number for all."""
    reserve_calls: NotNegativeInt = 10
    """Calls for which RTP ports are reserved besides those for callers, phones and dialing.live; above all for 911."""


class Bans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bans of addresses that try wrong SIP passwords; never a trunk's, a private one, or one that our phones use."""

    failures: NotNegativeInt = 8
    """After this many wrong passwords, SIP from the address is dropped; 0: never."""
    within_minutes: Positive = 10.0
    """The time within which they are counted."""
    first_minutes: Positive = 2.0
    """Length of the first ban; each further one within a day lasts six times as long as the one before."""
    longest_hours: Positive = 24.0
    """Length of the longest ban."""


class Web(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bind: str = "127.0.0.1"
    """Address our web server listens on; use a proxy with a certificate in front of it."""
    public_url: str = ""
    """Public URL of the proxy, e.g. https://phone.example.com; Twilio's signatures cover it."""


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    public_url: str = ""
    """Public URL of the site, e.g. https://homes.example.com, served by a proxy with a certificate; empty: it cannot be
    reached from outside."""
    behind_proxy: bool = True
    """Requests from this machine come from a proxy, which appends the visitor's address to X-Forwarded-For."""
    forms_per_hour: PositiveInt = 20
    """Forms accepted from one network address per hour."""
    unflagged_per_hour: PositiveInt = 5
    """Questions and messages from one network address that are passed on within an hour; further ones are flagged, and
    wait until somebody releases them."""
    uploads_per_hour: PositiveInt = 40
    """Documents that one network address may send within an hour."""
    requests_per_minute: PositiveInt = 300
    """Pages served to one network address per minute."""
    keep_addresses_days: NotNegativeInt = 30
    """The network address from which a form or an application was sent is deleted after this many days; 0 keeps it."""


class Api(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bind: str = "127.0.0.1"
    """Address the REST API listens on; use a proxy with a certificate if other machines use it."""
    public_url: str = ""
    """Public URL of the proxy, e.g. https://api.example.com; empty: the API can only be reached from this machine."""
    requests_per_minute: PositiveInt = 600
    """Requests accepted per key and minute."""
    webhook_networks: tuple[str, ...] = ()
    """Private networks that webhooks may be sent to, such as 10.1.0.0/16; there also without TLS."""


class Applications(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rental applications that people fill in on the public site."""

    link_days: PositiveInt = 14
    """How long a link to an unfinished application works; the site sends a new one on request."""
    unfinished_hours: PositiveInt = 48
    """An application that is not submitted within this time becomes a task for the lead's agent."""
    review_hours: PositiveInt = 24
    """A submitted application should be reviewed within this time."""
    most_documents: PositiveInt = 10
    """Files that somebody may send with an application."""
    document_megabytes: PositiveInt = 10
    """The largest of them."""
    keep_unfinished_days: PositiveInt = 60
    """An unfinished application that nobody has worked on for this many days is deleted with its documents; the lead
    stays."""


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = ""
    """SQLAlchemy URL, e.g. postgresql://user@host/leaseline; empty: the SQLite file in the home."""


class Menu(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    first_key_seconds: Positive = 5.0
    """Silence after the menu before it counts as no key."""
    next_key_seconds: Positive = 2.0
    """Silence after a key before the keys count as complete, where several are expected."""
    tries: PositiveInt = 2
    """How often the menu is played before the call goes to the team."""
    languages: tuple[str, ...] = ()
    """Languages that key 9 offers besides the line's own, such as ["es"]; each needs a prompt file."""


class Ring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long each stage of ringing lasts, in seconds; 0 skips the stage."""

    agent_seconds: NotNegative = 15.0
    """The lead's assigned agent."""
    subteam_seconds: NotNegative = 20.0
    """The property's subteam."""
    everyone_seconds: NotNegative = 20.0
    """Every available agent."""
    each_seconds: Positive = 10.0
    """One agent's turn within a round-robin stage."""
    mobile_seconds: Positive = 15.0
    """A mobile that calls are forwarded to rings at least this long; its stage lasts longer if necessary."""
    office_seconds: Positive = 25.0
    """The number that all calls are forwarded to."""
    desk_seconds: Positive = 25.0
    """The desks for residents, owners and vendors."""
    answering_seconds: NotNegative = 25.0
    """The answering service; 0 skips it."""
    confirm_seconds: Positive = 25.0
    """How long somebody who answers has to hear who is calling and press 1, before it counts as no answer."""
    colleague_seconds: Positive = 30.0
    """A colleague whose extension was dialed, or to whom a call was transferred."""


class Queue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Callers who wait because everyone is on a call."""

    enabled: bool = True
    """Callers hear their position, and may wait or be called back; otherwise they leave a voicemail."""
    waiting: NotNegativeInt = 3
    """If this many already wait, further callers go to sister subteams and the answering service; 0: no limit."""
    longest_seconds: Positive = 300.0
    """After this long, a voicemail is taken."""
    position_seconds: Positive = 30.0
    """How often the caller hears their position."""


class VoicemailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    longest_seconds: PositiveInt = 180
    """A voicemail ends at this length."""
    silence_seconds: int = 6
    """A voicemail ends after this much silence; 0: never."""
    shortest_seconds: float = 0.5
    """A voicemail with less speech than this is discarded, and the call counts as abandoned."""
    greeting_seconds: PositiveInt = 60
    """Longest greeting that can be recorded by phone."""
    staff_language: str = "en"
    """Language of the voicemail prompts that agents hear: en or es."""
    keep_days: NotNegativeInt = 365
    """Voicemail and its transcript are deleted after this many days; 0 keeps them."""


class Escalation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls to staff about a voicemail that nobody has taken: the lead's agent, then the subteam, then everyone on
    duty."""

    first_minutes: NotNegative = 5.0
    """How long after the voicemail the first group is called; 0: no calls."""
    next_minutes: Positive = 5.0
    """How long after one group the next is called."""
    when_closed: bool = False
    """Also call outside opening hours; otherwise the calls wait until the office opens."""
    ring_seconds: Positive = 25.0
    """How long a group's phones ring."""
    key_seconds: Positive = 25.0
    """How long whoever answers has to press 1 or 2."""


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Transcripts of voicemail, made by faster-whisper on this machine; `script/setup voice` installs it."""

    whisper_model: str = ""
    """Folder of a CTranslate2 Whisper model such as base.en; empty: no transcripts."""
    talks: bool = False
    """Recorded talks are transcribed as well, after all voicemail; a minute of talk takes the CPU some 15 s."""
    threads: PositiveInt = 2
    longest_seconds: Positive = 300.0
    """A voicemail whose transcription takes longer than this gets no transcript; for a talk it is ten times as long."""
    idle_seconds: Positive = 120.0
    """The transcriber's process, some 500 MB, ends after this long without work."""


AI_ANSWERS = ("off", "after_hours", "overflow", "always")


class Ai(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The voice agent, which answers callers who look for a home by voice instead of the keypad menu."""

    answers: str = "off"
    """When it answers: off, after_hours (while the office is closed), overflow (while all of the property's people are
    on calls), or always. Lines and properties may say otherwise (`line set`, `property set`)."""
    keep_days: NotNegativeInt = 365
    """What was said in its talks is deleted after this many days; what came of them stays. 0 keeps it."""
    whisper_model: str = ""
    """Folder of a CTranslate2 Whisper model such as base.en or base; empty: that of voice.whisper_model."""
    quick_model: str = ""
    """Folder of a smaller one such as tiny.en, for when the machine is busy; empty: there is none."""
    piper_voices: dict[str, str] = {}
    """Files of Piper voices (.onnx) by language, such as en; other languages are spoken by flite and espeak-ng."""
    sentence_model: str = ""
    """Folder of a sentence-embedding model (model.onnx and tokenizer.json) such as all-MiniLM-L6-v2, which tells what
    callers mean where the patterns do not, in English; empty: there is none."""
    stt_url: str = ""
    """OpenAI-compatible endpoint of a recognizer, such as http://10.0.0.5:8000/v1, in place of the models here: what
    callers say is sent there. Its key is a secret: `leaseline ai secret --of stt`. Empty: none."""
    stt_model: str = "whisper-1"
    """Name of the model at that endpoint."""
    tts_url: str = ""
    """OpenAI-compatible endpoint of a voice, in place of Piper: what is said to callers is sent there. Its key is a
    secret: `leaseline ai secret --of tts`. Empty: none."""
    tts_model: str = "tts-1"
    """Name of the model at that endpoint."""
    tts_voice: str = "alloy"
    """Name of the voice at that endpoint."""
    llm_url: str = ""
    """OpenAI-compatible endpoint of a language model, such as http://127.0.0.1:8080/v1. It is asked what callers mean
    where the rules do not understand. Its key is a secret: `leaseline ai secret`. Empty: none."""
    llm_model: str = ""
    """Name of the model at that endpoint."""


class Recordings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keep_days: NotNegativeInt = 90
    """Recordings of calls are deleted after this many days; 0 keeps them."""


TEXT_CARRIERS = ("sip", "twilio", "telnyx")


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


class Dialing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits on outgoing calls, whether dialed by phones, forwarded or placed by command; 0: no limit."""

    countries: tuple[str, ...] = ("US", "CA")
    """Countries (ISO 3166) whose numbers may be dialed. +1 alone is not enough: Jamaica uses it as well."""
    allowed_prefixes: tuple[str, ...] = ()
    """Prefixes of numbers, e.g. +1787, that are allowed whatever their country; also useful for new area codes."""
    blocked_prefixes: tuple[str, ...] = ()
    """Prefixes of numbers, e.g. +1907, that are blocked, besides all premium-rate numbers."""
    outside_prefix: str = "9"
    """Digits that may be dialed before an outside number, as in many offices; empty for none."""
    live: NotNegativeInt = 10
    """Outgoing calls at the same time."""
    per_day: NotNegativeInt = 500
    """Outgoing calls per day, in the office's time zone."""
    per_agent_per_day: NotNegativeInt = 150
    ring_seconds: Positive = 45.0
    """How long an outside number rings."""
    silent_trunk_seconds: Positive = 1.8
    """If a trunk has not responded at all after this long, the next one is tried."""
    agent_ring_seconds: Positive = 25.0
    """How long an agent's phones ring for a call started by command."""
    callback_tries: PositiveInt = 3
    """How often an agent's phones ring for a promised callback before it becomes a task."""
    callback_pause_seconds: Positive = 120.0
    """Pause between two attempts."""


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


class Unwanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    refuse_failed: bool = False
    """Reject callers whose number the carrier found to be spoofed (STIR/SHAKEN); otherwise that is only recorded."""


class Privacy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keep_withheld: bool = False
    """Store the number of callers who withhold it, if a trunk reveals it anyway; only where the law allows it."""


class Emergency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    callback_minutes: NotNegativeInt = 30
    """How long after an emergency call unknown callers to its callback number ring its phone at once; 0: never."""


class Tasks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    due_minutes: int = 15
    """A missed caller should be called back within this time, counted in office hours."""
    question_minutes: PositiveInt = 5
    """The same for a caller who could not say which property they mean."""
    escalate_minutes: NotNegativeInt = 60
    """A task overdue for this long, in office hours, goes to a colleague, and then to the admin; 0: never."""
    digest_minutes: NotNegativeInt = 15
    """After a notice that somebody wrote, what else they send is told in one notice after this time; 0: each at
    once."""
    manager: str = ""
    """Slug of an agent who is told of each task that is passed on, besides those who had it and have it now; empty:
    nobody."""


class LeadSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The office's own names for the statuses of a lead; the statuses themselves do not change."""

    label_new: str = "new"
    label_in_progress: str = "in progress"
    label_closed: str = "closed"

    def label(self, status: str) -> str:
        """Returns the office's name for a status."""
        return {"new": self.label_new, "in_progress": self.label_in_progress, "closed": self.label_closed}[status]


class Survival(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    deadman_seconds: PositiveInt = 20
    """After this long without a sign of life from the app, Asterisk takes a call back and gives it to the last
    resort."""
    first_seconds: PositiveInt = 5
    """The same for a call that the app has not taken yet."""
    store_seconds: Positive = 2.0
    """How long a call waits for an answer from the database before it continues without one."""
    last_resort_ring_seconds: int = 25
    """How long phones ring for a call that Asterisk handles alone."""
    last_resort_phones: NotNegativeInt = 3
    """How many phones ring at a time for such a call, then as many others; each caller starts with others. 0: all."""


class Codes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Feature codes that phones dial: a star and one to four digits; empty turns a code off."""

    dnd_on: str = "*78"
    """Turns on do not disturb for the phone it is dialed from, for dnd.by_phone_hours."""
    dnd_on_all: str = "*780"
    """The same for all phones of the agent."""
    dnd_half_hour: str = "*30"
    """Turns on do not disturb for 30 minutes."""
    dnd_half_hour_all: str = "*300"
    """The same for all phones of the agent."""
    dnd_off: str = "*79"
    """Turns off do not disturb for the phone."""
    dnd_off_all: str = "*790"
    """The same for all phones of the agent."""
    forwarding_on: str = "*72"
    """Makes the agent's mobile ring as well."""
    forwarding_off: str = "*73"
    """Stops the mobile from ringing."""
    on_duty: str = "*55"
    """Puts the agent on duty."""
    off_duty: str = "*56"
    """Takes the agent off duty."""
    voicemail: str = "*97"
    """Opens the agent's voicemail; followed by an extension, a colleague's."""
    pickup: str = "*8"
    """Picks up a call that rings elsewhere; followed by an extension, one at that colleague's phone."""
    last_caller: str = "*69"
    """Calls back the agent's last outside caller."""
    block_last_caller: str = "*60"
    """Blocks the agent's last outside caller."""


TALK_CODES = ("blind_transfer", "attended_transfer", "back", "record", "park")


class Talk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes an agent keys during a call: a star and digits, empty for none; a transfer code is followed by its target,
    ended by # or a pause."""

    blind_transfer: str = "*1"
    """Transfers the person at once."""
    attended_transfer: str = "*2"
    """Connects the agent with the target first; hanging up connects the target with the person."""
    back: str = "*0"
    """Returns from the target to the person."""
    record: str = "*3"
    """Turns recording on and off, where the property records on demand."""
    park: str = "*4"
    """Parks the person; the agent hears the slot, which a colleague can dial."""
    target_seconds: Positive = 3.0
    """Pause after a digit of the target before it counts as complete."""
    keys_from_elsewhere: bool = False
    """Also obey codes if a phone's audio comes from another host than its SIP, as behind a border controller with a
    separate media server. A stranger who sends audio in place of a silent phone could then key a transfer."""
    lost_seconds: NotNegative = 15.0
    """A leg counts as lost if neither audio nor reports (RTCP) have come from it for this long and it is not on hold;
    0: never, for a trunk that sends nothing at all while its caller is silent."""


class Parking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    extension: str = "700"
    """Transferring a call to this extension parks the person."""
    slots: int = 9
    """How many people can be parked, at the extensions that follow: 701 to 709."""
    seconds: Positive = 90.0
    """How long somebody is parked before the phones of the agent who parked them ring, and then the team's."""

    def has(self, dialled: str) -> bool:
        """Whether this is the parking extension or one of its slots."""
        return dialled == self.extension or dialled in self.names

    @property
    def names(self) -> tuple[str, ...]:
        """Extensions of the slots."""
        first = int(self.extension) + 1
        return tuple(str(number) for number in range(first, first + self.slots))


TAKES_EXTENSION = ("voicemail", "pickup")
"""Codes that an extension may follow directly."""


class Dnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Do not disturb."""

    by_phone_hours: int = 8
    """DND turned on by phone ends by itself after this long; 0: only when somebody turns it off."""


class Disk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The disk that holds the home. If it fills up, calls are still answered."""

    reserve_megabytes: NotNegativeInt = 100
    """Reserved by a file in the home, which is given up if the disk is full so that calls can be recorded; 0: none."""
    warn_megabytes: NotNegativeInt = 1000
    """With less free space than this the admin is notified and `leaseline doctor` warns; 0: never."""


STOPPING_NEW_CALLS = ("last_resort", "busy")


class Stopping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How `leaseline down`, Ctrl-C and SIGTERM end the system during calls; a second one ends the calls at once."""

    longest_seconds: NotNegative = 120.0
    """How long calls may continue; then people hear that the system is stopping, and get a call back. 0: they end at
    once."""
    new_calls: str = "last_resort"
    """What new callers get meanwhile: last_resort (phones on duty ring, then a voicemail is taken) or busy."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of leaseline.toml, and the home it was read from."""

    home: Path
    ports: Ports = Ports()
    sip: Sip = Sip()
    limits: CallLimits = CallLimits()
    bans: Bans = Bans()
    web: Web = Web()
    site: Site = Site()
    api: Api = Api()
    applications: Applications = Applications()
    database: Database = Database()
    menu: Menu = Menu()
    ring: Ring = Ring()
    queue: Queue = Queue()
    voicemail: VoicemailSettings = VoicemailSettings()
    escalation: Escalation = Escalation()
    voice: Voice = Voice()
    ai: Ai = Ai()
    recordings: Recordings = Recordings()
    texts: Texts = Texts()
    dialing: Dialing = Dialing()

    mail: MailSettings = MailSettings()
    unwanted: Unwanted = Unwanted()
    privacy: Privacy = Privacy()
    emergency: Emergency = Emergency()
    tasks: Tasks = Tasks()
    leads: LeadSettings = LeadSettings()
    survival: Survival = Survival()
    codes: Codes = Codes()
    talk: Talk = Talk()
    parking: Parking = Parking()
    dnd: Dnd = Dnd()
    disk: Disk = Disk()
    stopping: Stopping = Stopping()
    region: str = "US"
    """Country (ISO 3166) of numbers written without a country code."""
    timezone: str = "America/Chicago"
    """The office's time zone (IANA)."""
    node: str = ""
    """Name of this system among several on one database, and in every call's id; empty: one is generated and kept in
    the home's file `node`. Letters and digits, at most 10."""

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def database_url(self) -> str:
        """The URL with its driver."""
        url = self.database.url or f"sqlite:///{self.home / 'leaseline.db'}"
        scheme, _, rest = url.partition("://")
        drivers = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
        return f"{drivers.get(scheme, scheme)}://{rest}"

    # One property per folder, so that a search for its name finds everything that uses it.
    @property
    def secrets_file(self) -> Path:
        return self.home / "secrets.json"

    @property
    def asterisk_folder(self) -> Path:
        """The rendered configuration and Asterisk's own state."""
        return self.home / "asterisk"

    @property
    def prompts_folder(self) -> Path:
        """The audio that callers hear: `<language>/<name>.wav` and `greetings/<line number>.wav`."""
        return self.home / "prompts"

    def prompt(self, name: str, language: str) -> Path:
        """The audio of one of our prompts."""
        return self.prompts_folder / language / f"{name}.wav"

    def line_greeting(self, number: str) -> Path:
        """The audio of a line's own greeting, if it has one."""
        return self.prompts_folder / "greetings" / f"{number}.wav"

    @property
    def music_folder(self) -> Path:
        """The office's own music on hold: WAV files, PCM16, 8 kHz, mono. If it is empty, a melody of ours is played."""
        return self.home / "music"

    @property
    def recordings_folder(self) -> Path:
        """Voicemail: `<call id>.wav`."""
        return self.home / "recordings"

    @property
    def pictures_folder(self) -> Path:
        """Pictures of listings and properties (crm/edge/pictures.py)."""
        return self.home / "pictures"

    @property
    def mails_folder(self) -> Path:
        """Incoming emails as received (crm/edge/mail_files.py)."""
        return self.home / "mails"

    @property
    def documents_folder(self) -> Path:
        """Documents of applications (crm/edge/documents.py); nothing is served from here."""
        return self.home / "applications"

    @property
    def spool_folder(self) -> Path:
        """Asterisk's logs of calls it handled without the app, until they are imported."""
        return self.home / "spool"

    @property
    def tls_folder(self) -> Path:
        """The certificate we made for SIP over TLS, and its key."""
        return self.home / "tls"

    @property
    def journal_folder(self) -> Path:
        """Facts about calls that are not in the database yet."""
        return self.home / "journal"

    @property
    def run_folder(self) -> Path:
        """Locks and heartbeats of running processes."""
        return self.home / "run"

    @property
    def log_folder(self) -> Path:
        return self.home / "log"

    @property
    def folders(self) -> tuple[Path, ...]:
        return (
            self.asterisk_folder,
            self.prompts_folder,
            self.music_folder,
            self.recordings_folder,
            self.pictures_folder,
            self.documents_folder,
            self.mails_folder,
            self.spool_folder,
            self.journal_folder,
            self.run_folder,
            self.log_folder,
            self.tls_folder,
        )


def home_from(option: str | None) -> Path:
    """Returns the home folder: the option, else LEASELINE_HOME, else ~/.leaseline."""
    return Path(option or os.environ.get("LEASELINE_HOME") or "~/.leaseline").expanduser().absolute()


def load(home: Path) -> Config:
    """Reads and checks `home`/leaseline.toml. Raises ConfigError."""
    path = settings_file(home)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"There is no Leaseline home at {home}: create one with `leaseline init --home {home}`."
        ) from None
    except PermissionError:
        raise ConfigError(f"{path} may not be read by this user: run as the user who owns {home}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct that line and try again.") from error
    return parse(text, home, path)


def settings_file(home: Path) -> Path:
    return home / "leaseline.toml"


def parse(text: str, home: Path, path: Path) -> Config:
    """Checks the text of a leaseline.toml for a home; `path` is named in errors. Raises ConfigError."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct that line and try again.") from error
    return _read({**table, "home": str(home), "node": table.get("node") or _kept_node(home)}, path)


def _kept_node(home: Path) -> str:
    """Returns the name stored in the home, after generating one if there is none."""
    path = home / NODE
    try:
        if path.exists():
            return path.read_text("ascii", "replace").strip()
        fresh = home / f"{NODE}.{os.getpid()}"
        fresh.write_text(f"ll{secrets.token_hex(3)}\n")
        try:
            os.link(fresh, path)  # If two processes do this at once, the first wins.
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_text("ascii").strip()
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): check the disk and the owner.") from None


def changed(config: Config, table: dict[str, object], path: Path) -> Config:
    """Returns these settings with changes from a table like leaseline.toml; `path` is named in errors.

    Raises ConfigError.
    """
    plain = {name: msgspec.to_builtins(getattr(config, name)) for name in Config.__struct_fields__ if name != "home"}
    for name, value in table.items():
        before = plain.get(name)
        plain[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return _read({**plain, "home": str(config.home)}, path)


def read_toml(path: Path) -> dict[str, object]:
    """Returns the tables of a TOML file. Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): name another file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}. Correct that line and try again.") from error


def _read(table: dict[str, object], path: Path) -> Config:
    try:
        config = msgspec.convert(table, Config, strict=True, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        if found := _OUT_OF_RANGE.search(str(error)):
            wanted = "may not be negative" if found[1] == ">= 0" else "has to be above 0"
            raise ConfigError(f"{path}: {found[2]} {wanted}; `leaseline config show` says what it means.") from error
        raise ConfigError(f"{path}: {error}. `leaseline config show` lists the keys and their values.") from error
    _check(config, path)
    return config


def _to_path(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError(kind)


def _check(config: Config, path: Path) -> None:
    # The ids of calls begin with it, and those of the phones that ring for them may have 80 characters.
    if not re.fullmatch(r"([a-z][a-z0-9]{0,9})?", config.node):
        raise ConfigError(
            f"{path}: node = {config.node[:20]!r} cannot be a name; write up to ten letters and digits, such as east."
        )
    try:
        ZoneInfo(config.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"{path}: timezone {config.timezone!r} is unknown; write one like America/Chicago.") from None
    ports = config.ports
    single = {name: getattr(ports, name) for name in Ports.__struct_fields__}
    for name, port in single.items():
        if not 1024 <= port <= 65525:
            raise ConfigError(f"{path}: ports.{name} = {port} is outside 1024 to 65525.")
    if len(set(single.values())) < len(single):
        raise ConfigError(f"{path}: two entries in [ports] are the same; give each its own port.")
    if ports.rtp_last - ports.rtp_first < 20:
        raise ConfigError(f"{path}: ports.rtp_first to rtp_last is too small; four ports are needed for each call.")
    if config.texts.carrier not in TEXT_CARRIERS:
        raise ConfigError(f"{path}: texts.carrier = {config.texts.carrier!r} is not one of {', '.join(TEXT_CARRIERS)}.")
    if config.texts.carrier == "twilio" and not config.texts.twilio_account:
        raise ConfigError(f"{path}: texts.carrier is twilio: write the Account SID (AC...) into texts.twilio_account.")
    for name, url in (
        ("web.public_url", config.web.public_url),
        ("api.public_url", config.api.public_url),
        ("texts.twilio_url", config.texts.twilio_url),
        ("texts.telnyx_url", config.texts.telnyx_url),
    ):
        if url and not url.startswith(("https://", "http://")):
            raise ConfigError(
                f"{path}: {name} = {url!r} is not a web address; write one like https://phone.example.com."
            )
    if config.mail.security not in MAIL_SECURITIES:
        raise ConfigError(
            f"{path}: mail.security = {config.mail.security!r} is not one of {', '.join(MAIL_SECURITIES)}."
        )
    inbox = config.mail.incoming
    if inbox.security not in MAIL_SECURITIES:
        raise ConfigError(f"{path}: mail.in.security = {inbox.security!r} is not one of {', '.join(MAIL_SECURITIES)}.")
    if inbox.address and not _ADDRESS.fullmatch(inbox.address):
        raise ConfigError(f"{path}: mail.in.address is not an address: write one like leads@example.com.")
    if inbox.server and not inbox.user:
        raise ConfigError(f"{path}: mail.in.user is empty: write the user that mail.in.server knows.")
    if config.mail.server and not _ADDRESS.fullmatch(config.mail.from_address):
        raise ConfigError(f"{path}: mail.from_address is not an address: write one like phone@example.com.")
    for network in config.api.webhook_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ConfigError(
                f"{path}: api.webhook_networks has {network!r}; write networks such as 10.1.0.0/16."
            ) from None
    _check_texts(config.texts, path)
    _check_dialing(config.dialing, path)
    _check_talk(config, path)
    if config.ai.answers not in AI_ANSWERS:
        raise ConfigError(f"{path}: ai.answers = {config.ai.answers!r} is not one of {', '.join(AI_ANSWERS)}.")
    if config.stopping.new_calls not in STOPPING_NEW_CALLS:
        choice = " nor ".join(STOPPING_NEW_CALLS)
        raise ConfigError(f"{path}: stopping.new_calls = {config.stopping.new_calls!r} is neither {choice}.")
    _check_codes(config, path)
    if bool(config.sip.certificate) != bool(config.sip.private_key):
        raise ConfigError(f"{path}: sip.certificate and sip.private_key go together; set both or neither.")
    for name in ("hostname", "certificate", "private_key", "trusted_certificates"):
        # They go into Asterisk's configuration, where a semicolon starts a comment.
        allowed = r"[A-Za-z0-9.-]{0,200}" if name == "hostname" else r"[^;\x00-\x1f\x7f]{0,400}"
        if not re.fullmatch(allowed, getattr(config.sip, name)):
            raise ConfigError(f"{path}: sip.{name} has characters that are not allowed in it; correct it.")


def _check_texts(texts: Texts, path: Path) -> None:
    if not 1 <= texts.automatic_percent <= 100:
        raise ConfigError(f"{path}: texts.automatic_percent = {texts.automatic_percent} is outside 1 to 100.")


def _check_codes(config: Config, path: Path) -> None:
    codes = {name: code for name, code in msgspec.structs.asdict(config.codes).items() if code}
    for name, code in codes.items():
        if not re.fullmatch(r"\*\d{1,4}", code, re.ASCII):
            raise ConfigError(
                f"{path}: codes.{name} = {code!r} is not a code; write a star and 1 to 4 digits, like *78."
            )
        if code.startswith(("*911", "*9911", "*933")):
            raise ConfigError(f"{path}: codes.{name} = {code!r} looks like an emergency call; choose another.")
    for name, code in codes.items():
        for other, longer in codes.items():
            # An extension has at least two digits, so a single further digit makes a code of its own.
            swallowed = name in TAKES_EXTENSION and longer.startswith(code) and len(longer) >= len(code) + 2
            if other != name and (longer == code or swallowed):
                why = "are the same" if longer == code else f"cannot be told apart: an extension may follow {code}"
                raise ConfigError(f"{path}: codes.{name} and codes.{other} {why}; change one of them.")
    if not 0 <= config.dnd.by_phone_hours <= 24 * 7:
        raise ConfigError(f"{path}: dnd.by_phone_hours has to be from 0 to 168.")


def _check_dialing(dialing: Dialing, path: Path) -> None:
    for country in dialing.countries:
        if not re.fullmatch(r"[A-Z]{2}", country):
            raise ConfigError(f"{path}: dialing.countries has {country!r}; write two-letter codes such as US.")
    for name in ("allowed_prefixes", "blocked_prefixes"):
        for prefix in getattr(dialing, name):
            if not re.fullmatch(r"\+[0-9]{1,14}", prefix):
                raise ConfigError(f"{path}: dialing.{name} has {prefix!r}; write + and digits, such as +1787.")
    if not re.fullmatch(r"[0-9]{0,3}", dialing.outside_prefix):
        raise ConfigError(f"{path}: dialing.outside_prefix is {dialing.outside_prefix!r}; write up to three digits.")


def _check_talk(config: Config, path: Path) -> None:
    codes = [getattr(config.talk, name) for name in TALK_CODES if getattr(config.talk, name)]
    for code in codes:
        if not re.fullmatch(r"[*#][0-9]{1,3}", code):
            raise ConfigError(
                f"{path}: {code!r} in [talk] is not a code; write a star and one to three digits, like *1."
            )
    if any(one.startswith(two) for at, one in enumerate(codes) for two in codes[:at] + codes[at + 1 :]):
        raise ConfigError(
            f"{path}: one code in [talk] is the beginning of another, which could never be keyed; change one of them."
        )
    if not re.fullmatch(r"[1-9][0-9]{1,4}", config.parking.extension):
        raise ConfigError(f"{path}: parking.extension = {config.parking.extension!r}; write two to five digits.")
    if not 1 <= config.parking.slots <= 90:
        raise ConfigError(f"{path}: parking.slots = {config.parking.slots} is outside 1 to 90.")


def template(ports_from: int | None, region: str, timezone: str, database: str = "") -> str:
    """Returns the text of a new leaseline.toml; `ports_from` puts all ports into one block that starts there.

    `database` is a URL; empty for the SQLite file in the home.
    """
    ports = (
        Ports()
        if ports_from is None
        else Ports(
            sip=ports_from,
            http=ports_from + 1,
            ami=ports_from + 2,
            agi=ports_from + 3,
            web=ports_from + 4,
            sips=ports_from + 5,
            webhooks=ports_from + 6,
            hep=ports_from + 7,
            site=ports_from + 8,
            api=ports_from + 9,
            demo=ports_from + 10,
            voice=ports_from + 20,
            rtp_first=ports_from + 100,
            rtp_last=ports_from + 299,
        )
    )
    lines = [
        "# Leaseline. `leaseline config show` prints every setting in force, with the defaults of those left out here.",
        f'timezone = "{timezone}"',
        f'region = "{region}"',
        "",
        "[ports]",
        *(f"{name} = {getattr(ports, name)}" for name in ports.__struct_fields__),
        *(["", "[database]", f"url = {msgspec.json.encode(database).decode()}"] if database else []),
        "",
    ]
    return "\n".join(lines)
