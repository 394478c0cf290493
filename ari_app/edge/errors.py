"""What can go wrong between the app and Asterisk.

PhoneError
├── HungUp              the caller or agent hung up, or their channel is no longer ours; a flow ends with it
├── AsteriskUnreachable the event socket or HTTP server is gone; the client reconnects by itself
├── AsteriskRefused     Asterisk answered a request with an error; the code or the configuration has to change
│   └── ChannelGone     the thing the request named has just left; normal, handled where it is expected
└── MediaLost           a prompt could not be played or a recording not be written; `leaseline doctor` tells why
"""

from __future__ import annotations


class PhoneError(Exception):
    """Base of everything the telephony edge raises."""


class HungUp(PhoneError):
    """The channel that a flow works for has hung up or left the app; raised through the flow to end it.

    `cause` is the Q.850 hangup cause, `sip_status` the SIP answer that ended the channel; 0 if unknown.
    """

    def __init__(self, text: str, cause: int = 0, sip_status: int = 0) -> None:
        super().__init__(text)
        self.cause = cause
        self.sip_status = sip_status

    @property
    def is_unknown_there(self) -> bool:
        """Whether a request within the call was answered with 481, as by a phone that was restarted, or not at all
        (408), so that nobody has hung up (RFC 3261, 12.2.1.2)."""
        return self.sip_status in (408, 481)


class AsteriskUnreachable(PhoneError):
    """Asterisk could not be reached, or did not answer in time."""


class AsteriskRefused(PhoneError):
    """Asterisk answered a request with an error status."""

    def __init__(self, status: int, reason: str, request: str) -> None:
        super().__init__(f"Asterisk answered {status} ({reason}) to {request}")
        self.status = status


class ChannelGone(AsteriskRefused):
    """The channel, bridge or playback that a request names does not exist (404) or is leaving (409, 412)."""


class MediaLost(PhoneError):
    """A prompt or recording failed in Asterisk."""
