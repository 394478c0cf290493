"""Phones at the other end of channels, with the interface of `ari_app.demo.softphone`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ari_app.demo.softphone import PhoneEvent, Softphone, SoftphoneError

if TYPE_CHECKING:
    from tests.asterisk.model import Asterisk, Channel, Sound

REASONS = {17: "486 Busy Here", 21: "603 Decline", 19: "480 Temporarily Unavailable", 1: "404 Not Found"}


class Phone(Softphone):
    """One phone; its commands and events are those of baresip."""

    def __init__(self, asterisk: Asterisk, user: str, endpoint: str, context: str = "", says: int = 180) -> None:
        """`says` is the SIP response to every call: 180 makes it ring; a final one ends the call; after 100 nothing
        follows; 0 is no response at all. Calls placed by the phone enter the dialplan in `context`."""
        super().__init__(user, Path(), None)  # type: ignore[arg-type]
        self._asterisk = asterisk
        self.endpoint = endpoint
        self.shown_number = user
        self.says = says
        self.called = 0
        """How many calls were sent to it."""
        self.causes: list[int] = []
        """Q.850 causes of calls that Asterisk ended; 26 means answered elsewhere."""
        self.shown: list[str] = []
        """Callers as the phone displayed them."""
        self._context = context
        self._calls: list[Channel] = []
        self._latest: Channel | None = None
        self._missed: Channel | None = None
        self._pressed = ""
        self._stirred = asyncio.Event()

    # --- what its user does ---

    async def command(self, name: str, params: str = "") -> str:
        match name:
            case "dial":
                self._dial(params)
            case "accept":
                self._accept()
            case "hangup":
                self._hang_up()
            case "sndcode" if params.isprintable():
                self._pressed = params
            case "sndcode":
                # Asterisk reports a key when it is released.
                self._asterisk.press(self._call, self._pressed)
            case "hold":
                self._asterisk.hold(self._call, on=True)
            case "resume":
                self._asterisk.hold(self._call, on=False)
            case "transfer":
                self._asterisk.refer(self._call, _user(params))
        return ""

    @property
    def _call(self) -> Channel:
        if not self._calls:
            raise SoftphoneError(f"Phone {self.user} has no call.")
        return self._calls[-1]

    def _dial(self, uri: str) -> None:
        channel = self._asterisk.arrives(self, self.endpoint, self._context, _user(uri))
        self._calls.append(channel)
        self._latest = channel
        self._report("CALL_OUTGOING", uri)

    def _accept(self) -> None:
        ringing = next((call for call in self._calls if call.state != "Up"), None)
        if ringing is None:
            raise SoftphoneError(f"Phone {self.user} has nothing to answer.")
        self._calls.remove(ringing)
        self._calls.append(ringing)
        self._latest = ringing
        self._asterisk.is_answered(ringing)
        self._report("CALL_ANSWERED")
        self._report("CALL_ESTABLISHED")

    def _hang_up(self) -> None:
        call = self._call
        if call.is_dialled and call.state != "Up":
            self._asterisk.declines(call, 486)
        else:
            self._asterisk.hang_up(call, 16)

    async def say(self, recording: Path) -> None:
        self._asterisk.speaks(self._call, recording)

    @property
    def is_browser(self) -> bool:
        """Tests call the devices of browsers by such names."""
        return self.endpoint.endswith("-web")

    def wakes(self) -> None:
        """It did not respond to a call (`says` 0), and now rings."""
        assert self._missed
        self.says = 180
        self.is_called(self._missed)

    # --- what happens to it ---

    def is_called(self, channel: Channel) -> None:
        if channel.gone.is_set():
            return
        self.called += 1
        if self.says == 0:
            self._missed = channel
            return
        channel.has_spoken = True
        if self.says == 100:
            return
        if self.says >= 300:
            self._asterisk.declines(channel, self.says)
            return
        self._calls.insert(0, channel)
        if len(self._calls) == 1:
            self._latest = channel
        shown = channel.variables.get("CALLERID(all)", "")
        self.shown.append(shown)
        number = re.search(r"<(.*)>", shown)
        self._asterisk.rings(channel)
        self._report("CALL_INCOMING", f"sip:{number[1] if number else ''}@127.0.0.1")

    def is_ringing_there(self) -> None:
        """The other end of its call is ringing."""
        self._report("CALL_RINGING")

    def is_answered(self, channel: Channel) -> None:
        self._report("CALL_ANSWERED")
        self._report("CALL_ESTABLISHED")

    def is_closed(self, channel: Channel, cause: int) -> None:
        if channel in self._calls:
            self._calls.remove(channel)
            self.causes.append(cause)
            self._report("CALL_CLOSED", REASONS.get(cause, "") if channel.state != "Up" else "")

    def is_told(self, state: str) -> None:
        """Receives the progress of a transfer it requested. Like baresip, it hangs up without a message if that
        fails."""
        if state == "channel_unavailable":
            self._report("TRANSFER_FAILED")
            self._asterisk.loop.call_soon(self._hang_up)

    # --- what it observes ---

    @property
    def sounds(self) -> list[Sound]:
        """What is heard in its latest call."""
        return self._latest.heard if self._latest else []

    @property
    def channel(self) -> Channel | None:
        return self._latest

    def _report(self, kind: str, param: str = "") -> None:  # type: ignore[override]
        self.events.append(PhoneEvent(kind, param, asyncio.get_running_loop().time()))
        self._stirred.set()

    async def wait_until(self, is_so: Callable[[], bool], what: str, seconds: float = 20) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not is_so():
                    self._stirred.clear()
                    await self._stirred.wait()
            await self._asterisk.loop.idle()
        except TimeoutError:
            seen = ", ".join(f"{event.kind} {event.param}".strip() for event in self.events)
            raise SoftphoneError(f"Phone {self.user}: no {what} within {seconds:g} s; it saw: {seen}.") from None


def _user(uri: str) -> str:
    return uri.removeprefix("sip:").partition("@")[0]
