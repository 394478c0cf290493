"""AMI: the few actions that the app uses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from tests.asterisk.model import Asterisk

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


class Manager:
    def __init__(self, asterisk: Asterisk, passwords: set[str], reload: Callable[[], None]) -> None:
        """`reload` is called when Asterisk should read its configuration again."""
        self._asterisk, self._passwords, self._reload = asterisk, passwords, reload
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._connected, "127.0.0.1", port)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            writer.write(GREETING)
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
                fields = dict(line.split(": ", 1) for line in lines if ": " in line)
                said, text = self._answer(fields)
                answer = [f"Response: {said}", f"ActionID: {fields.get('ActionID', '')}", f"Message: {text}"]
                writer.write("".join(f"{line}\r\n" for line in (*answer, "")).encode())
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    def _answer(self, fields: dict[str, str]) -> tuple[str, str]:
        asterisk = self._asterisk
        channel = asterisk.by_name(fields.get("Channel", ""))
        match fields["Action"]:
            case "Login":
                is_known = fields["Secret"] in self._passwords
                return ("Success", "Authentication accepted") if is_known else ("Error", "Authentication failed")
            case "Reload":
                self._reload()
                return "Success", "Module Reloaded"
            case "Ping" | "Logoff" | "PJSIPQualify":
                return "Success", "Pong"
            case "AbsoluteTimeout" | "Redirect" | "Setvar" if channel is None:
                return "Error", "No such channel"
            case "AbsoluteTimeout":
                assert channel
                asterisk.limit(channel, float(fields["Timeout"]))
                return "Success", "Timeout Set"
            case "Redirect":
                assert channel
                asterisk.enter(channel, fields["Context"], fields["Exten"])
                return "Success", "Redirect successful"
            case "Setvar":
                return "Success", "Variable Set"
        return "Error", f"Invalid/unknown command: {fields['Action']}"
