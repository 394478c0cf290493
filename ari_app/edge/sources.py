"""Whether the sound that counts as a phone's comes from the phone.

Without SRTP anybody can send RTP to our ports. While a phone has sent nothing yet, Asterisk takes a stranger's for the
phone's after four packets, keys and all, and from then on no other's (strict RTP, 22.10.1).
"""

from __future__ import annotations

import contextlib
import re

from ari_app.edge.channel import Handle
from ari_app.edge.errors import AsteriskRefused, ChannelGone

_HOST = re.compile(r"<?sips?:(?:[^@<>]*@)?(\[[0-9a-f:.]+\]|[0-9.]+)(?=[:;>?]|$)", re.IGNORECASE)


async def is_own(channel: Handle) -> bool:
    """False when the sound comes from another host than the SIP of one of our phones, or that cannot be told.

    True for trunks, whose sound comes from where the carrier likes, and with browsers and SRTP, for which no stranger
    has the keys.
    """
    if channel.endpoint.startswith("trunk-") or await _value(channel, "CHANNEL(rtp,secure)") == "1":
        return True
    return is_same_host(await _value(channel, "CHANNEL(rtp,dest)"), await _value(channel, "CHANNEL(pjsip,target_uri)"))


def is_same_host(sound: str, target: str) -> bool:
    """Of the address that sound goes to and comes from, and the URI that SIP goes to, as Asterisk writes the two."""
    host = _HOST.match(target)
    return ";transport=ws" in target.lower() or bool(host and sound.rpartition(":")[0] == host[1])


async def _value(channel: Handle, name: str) -> str:
    with contextlib.suppress(ChannelGone, AsteriskRefused):
        answer = await channel.client.get(f"{channel.path}/variable", variable=name)
        return str(answer.get("value", ""))
    return ""
