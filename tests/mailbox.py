"""A mailbox for tests: Dovecot's own IMAP, in a temporary folder, behind a door of ours.

Dovecot's `imap` needs no server around it: it speaks on its standard input and output, for somebody who is logged in
already. The door is what logs in, and what breaks when a test says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from asterisk_conf.programs import dovecot

USER, PASSWORD = "leads@oak.example.com", "right"

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
mail_plugin_dir = {root}/usr/lib/dovecot/modules
protocols = imap
ssl = no
mail_location = maildir:{folder}/mail
mail_fsync = never
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 0
first_valid_gid = 0
"""


@dataclass
class MailServer:
    """What a test sees of the server."""

    folder: Path
    port: int = 0
    can_idle: bool = True
    refuses: bool = False
    """Whether it accepts nobody's password."""
    logins: int = 0
    heard: list[str] = field(default_factory=list)
    """Commands, without their tags."""
    idling: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever somebody begins to wait."""
    _connections: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def inbox(self) -> Path:
        return self.folder / "mail"

    def deliver(self, raw: bytes, name: str) -> None:
        """As a mail server puts a mail into a Maildir."""
        for part in ("tmp", "new", "cur"):
            (self.inbox / part).mkdir(parents=True, exist_ok=True)
        path = self.inbox / "tmp" / name
        path.write_bytes(raw)
        self._give(path)
        path.rename(self.inbox / "new" / name)

    def files(self) -> dict[str, bytes]:
        """What is in the mailbox, by file name, which ends with the flags once a mail is no longer new."""
        found = [*self.inbox.glob("new/*"), *self.inbox.glob("cur/*")]
        return {path.name: path.read_bytes() for path in found}

    def forget_uids(self) -> None:
        """As when a mailbox is restored from a backup: everything gets a new number."""
        for path in self.inbox.glob("dovecot*"):
            # What keeps it from giving out the same validity twice stays.
            if not path.name.startswith("dovecot-uidvalidity"):
                path.unlink()

    def cut(self) -> None:
        """All connections break off."""
        for writer in list(self._connections):
            writer.transport.abort()

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            for one in (path, *path.parents):
                if self.folder not in (one, *one.parents):
                    break
                shutil.chown(one, *_user())


def _user() -> tuple[str, str]:
    """Dovecot refuses to work for root."""
    if os.geteuid() == 0:
        return "nobody", "nogroup"
    who = pwd.getpwuid(os.geteuid())
    return who.pw_name, grp.getgrgid(who.pw_gid).gr_name


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[MailServer]:
    # Not in the test's own folder, which whoever Dovecot works as may not enter.
    with tempfile.TemporaryDirectory(prefix="leaseline-mail-") as folder:
        os.chmod(folder, 0o755)
        async with _serving(Path(folder)) as mailbox:
            yield mailbox


@contextlib.asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[MailServer]:
    root, variables = dovecot()
    user, group = _user()
    (folder / "run").mkdir()
    mailbox = MailServer(folder)
    mailbox.inbox.mkdir()
    mailbox._give(folder / "run")
    mailbox._give(mailbox.inbox)
    config = folder / "dovecot.conf"
    config.write_text(_CONFIG.format(folder=folder, root=root, user=user, group=group))
    command = [root / "usr/bin/doveconf", "-f", "service=imap", "-c", config, "-p", "-e", root / "usr/lib/dovecot/imap"]
    environment = {**variables, "PATH": os.environ["PATH"], "USER": user, "HOME": str(folder)}

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mailbox._connections.add(writer)
        process = None
        try:
            if await _logged_in(mailbox, reader, writer):
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment
                )
                assert process.stdin
                assert process.stdout
                await process.stdout.readline()  # That somebody is logged in: we have said so.
                async with asyncio.TaskGroup() as both:
                    both.create_task(_commands(mailbox, reader, process.stdin))
                    both.create_task(_answers(process.stdout, writer))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            mailbox._connections.discard(writer)
            writer.transport.abort()
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        mailbox.cut()
        await server.wait_closed()


async def _logged_in(mailbox: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    can = "IMAP4rev1 IDLE UIDPLUS" if mailbox.can_idle else "IMAP4rev1 UIDPLUS"
    writer.write(f"* OK [CAPABILITY {can}] ready\r\n".encode())
    while line := await reader.readline():
        tag, _, command = line.decode(errors="replace").strip().partition(" ")
        name = command.split(" ")[0].upper()
        if name == "CAPABILITY":
            writer.write(f"* CAPABILITY {can}\r\n{tag} OK done\r\n".encode())
        elif name == "LOGIN" and not mailbox.refuses and re.fullmatch(f'LOGIN "{USER}" "{PASSWORD}"', command):
            mailbox.logins += 1
            writer.write(f"{tag} OK [CAPABILITY {can}] logged in\r\n".encode())
            return True
        else:
            writer.write(f"{tag} NO not now\r\n".encode())
    return False


async def _commands(mailbox: MailServer, reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        command = line.decode(errors="replace").strip().partition(" ")[2] or line.decode(errors="replace").strip()
        mailbox.heard.append(command)
        to.write(line)
        await to.drain()
        if command == "IDLE":
            mailbox.idling.set()
    to.close()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()
