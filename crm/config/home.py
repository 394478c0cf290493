"""All settings together, and the home folder they were read from."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from crm.config.calls import (
    Codes,
    Dialing,
    Dnd,
    Emergency,
    Escalation,
    Menu,
    Parking,
    Privacy,
    Queue,
    Recordings,
    Ring,
    Talk,
    Unwanted,
    VoicemailSettings,
)
from crm.config.leads import Applications, LeadSettings, Tasks
from crm.config.machine import (
    Api,
    Backups,
    Bans,
    CallLimits,
    Console,
    Database,
    Disk,
    Ports,
    Sip,
    Site,
    Stopping,
    Survival,
    Web,
)
from crm.config.messages import MailSettings, Texts
from crm.config.voice import Ai, Voice


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
    console: Console = Console()
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
    backups: Backups = Backups()
    stopping: Stopping = Stopping()
    region: str = "US"
    """Country (ISO 3166) of numbers written without a country code."""
    area_code: str = ""
    """Of numbers that somebody in the office writes or dials with seven digits; empty: they are none."""
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
    def backups_folder(self) -> Path:
        """Where scheduled backups are kept."""
        return Path(self.backups.folder) if self.backups.folder else self.home / "backups"

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
