"""Settings of the machine: ports and addresses, servers, database and disk, and how the system survives and ends."""

from __future__ import annotations

import msgspec

from crm.config.ranges import NotNegative, NotNegativeInt, Positive, PositiveInt


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
    console: int = 8095
    """The console: pages and phone for people in the office."""
    live: int = 8096
    """Where the console hears from the app what happens in calls."""
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
    quickest_form_seconds: NotNegativeInt = 2
    """A form that is sent sooner after its page was opened is shown again, since only programs fill one in so quickly;
    0: none is."""
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


LISTEN_IN = ("off", "announced", "always")


class Console(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pages and the phone with which people in the office work."""

    bind: str = "127.0.0.1"
    """Address the console listens on. Beyond this machine it is served with a certificate only: a proxy's, or its
    own."""
    public_url: str = ""
    """Public URL of the proxy, or of the console itself, e.g. https://desk.example.com; empty: it can only be reached
    from this machine."""
    tls_certificate: str = ""
    """Path of a PEM file with the console's own certificate and those that vouch for it; empty: it has none. Read
    again when it changes."""
    tls_key: str = ""
    """Path of the PEM file with the certificate's key, readable only by the user that runs Leaseline."""
    behind_proxy: bool = False
    """Whether a proxy on this machine passes requests on; then X-Forwarded-For says who sends them."""
    idle_hours: PositiveInt = 12
    """A session that nobody uses for this long is over."""
    session_days: PositiveInt = 14
    """After this long everybody signs in anew."""
    tells_of_sign_ins: bool = True
    """Whether people are told by email when somebody signs in to their account from a new address, or with a browser
    of another kind, and what to do if it was not them: once a day for an address."""
    listen_in: str = "off"
    """Whether managers may listen in on talks: off; announced: while a recording runs, of which everybody in the talk
    was told, as the states require where all parties have to agree; always: only where the consent of one party is
    enough."""
    works_outside: bool = False
    """Whether people use the phone in the pages from outside of the office's network; then `leaseline doctor` wants a
    TURN server in console.ice_servers."""
    ice_servers: tuple[str, ...] = ()
    """STUN and TURN servers of the phone in the pages, such as stun:turn.example.com:3478 or
    turn:turn.example.com:3478?transport=tcp; passwords for TURN are made for each page, and last for hours."""
    push_hosts: tuple[str, ...] = (
        "fcm.googleapis.com",
        "*.push.services.mozilla.com",
        "*.push.apple.com",
        "*.notify.windows.com",
    )
    """Services that take messages to browsers which are closed: those of Chrome, Firefox, Safari and Edge. Nothing is
    sent to others; `*.` stands for all names below."""

    @property
    def has_certificate(self) -> bool:
        """Whether it has a certificate of its own."""
        return bool(self.tls_certificate and self.tls_key)

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers reach it by https."""
        return self.has_certificate or self.public_url.startswith("https://")

    @property
    def refusal(self) -> str:
        """Why it is not served: passwords and talks would cross the network for anybody to read, or nobody could reach
        it. Empty: it is."""
        if self.bind in ("127.0.0.1", "::1", "localhost"):
            return ""
        if not self.is_encrypted:
            return (
                f"The console does not listen on {self.bind} without a certificate: set console.tls_certificate and"
                " console.tls_key, or console.public_url to the https address of a proxy in front of it."
            )
        if self.bind in ("0.0.0.0", "::") and not self.public_url:
            return (
                f"The console does not listen on {self.bind} without a name: set console.public_url to the address that"
                " people type, such as https://desk.example.com:8095."
            )
        return ""


class Database(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = ""
    """SQLAlchemy URL, e.g. postgresql://user@host/leaseline; empty: the SQLite file in the home."""


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


class Disk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The disk that holds the home. If it fills up, calls are still answered."""

    reserve_megabytes: NotNegativeInt = 100
    """Reserved by a file in the home, which is given up if the disk is full so that calls can be recorded; 0: none."""
    warn_megabytes: NotNegativeInt = 1000
    """With less free space than this the admin is notified and `leaseline doctor` warns; 0: never."""


class Backups(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Backups that the app has made every day. `leaseline backup schedule` sets them."""

    daily: str = ""
    """When, on the office's clock, e.g. 03:00; empty: none is made."""
    folder: str = ""
    """Where they are kept, best on another disk; empty: the folder backups in the home."""
    keep: PositiveInt = 14
    """How many are kept; older ones are deleted once a new one was made."""
    encrypt: bool = False
    """Whether they are encrypted, with the passphrase that `leaseline backup schedule --encrypt` asks for."""
    public_key: str = ""
    """Public key (age1...) for which they are encrypted instead: only its private key opens them; empty: for none."""
    check: bool = True
    """Whether each is restored beside itself and compared, as `leaseline backup check` does."""


STOPPING_NEW_CALLS = ("last_resort", "busy")


class Stopping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How `leaseline down`, Ctrl-C and SIGTERM end the system during calls; a second one ends the calls at once."""

    longest_seconds: NotNegative = 120.0
    """How long calls may continue; then people hear that the system is stopping, and get a call back. 0: they end at
    once."""
    new_calls: str = "last_resort"
    """What new callers get meanwhile: last_resort (phones on duty ring, then a voicemail is taken) or busy."""
