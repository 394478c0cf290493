"""Whether the audio that Asterisk takes for a phone's comes from that phone.

Without SRTP, anybody can send RTP to our ports. As long as a phone has sent nothing, Asterisk takes a stranger's
packets for the phone's after four of them, including keys, and from then on nobody else's (strict RTP, 22.10.1).
"""

from __future__ import annotations

import contextlib
import re

from ari_app.edge.channel import Handle
from ari_app.edge.errors import AsteriskRefused, ChannelGone

_HOST = re.compile(r"<?sips?:(?:[^@<>]*@)?(\[[0-9a-f:.]+\]|[0-9.]+)(?=[:;>?]|$)", re.IGNORECASE)


async def is_own(channel: Handle) -> bool:
    """False if the audio comes from another host than the SIP of one of our phones, or if that is unknown.

    True for trunks, whose carriers may send audio from anywhere, and for browsers and SRTP, for which a stranger lacks
    the keys.
    """
    if channel.endpoint.startswith("trunk-") or await _value(channel, "CHANNEL(rtp,secure)") == "1":
        return True
    return is_same_host(await _value(channel, "CHANNEL(rtp,dest)"), await _value(channel, "CHANNEL(pjsip,target_uri)"))


def is_same_host(sound: str, target: str) -> bool:
    """Compares the audio's address (which is sent to and received from) with the URI of the SIP target, in Asterisk's
    notation."""
    host = _HOST.match(target)
    return ";transport=ws" in target.lower() or bool(host and sound.rpartition(":")[0] == host[1])


async def _value(channel: Handle, name: str) -> str:
    with contextlib.suppress(ChannelGone, AsteriskRefused):
        answer = await channel.client.get(f"{channel.path}/variable", variable=name)
        return str(answer.get("value", ""))
    return ""
