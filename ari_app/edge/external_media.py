"""A channel whose audio another process sends and receives: Asterisk's chan_websocket.

The channel waits for that process to connect to `/media/<id>` on Asterisk's HTTP server, which listens on loopback; the
id is only known to whoever made the channel.
"""

from __future__ import annotations

from ari_app.edge.channel import Handle
from ari_app.edge.errors import AsteriskRefused

CONNECTION = "MEDIA_WEBSOCKET_CONNECTION_ID"
FORMAT = "slin16"
"""PCM16, 16 kHz, mono, little-endian: what speech recognition takes."""


async def make(channel: Handle) -> str:
    """Creates the channel, and returns the id under which Asterisk expects the connection.

    It is answered once the connection is there. Raises AsteriskRefused, AsteriskUnreachable.
    """
    made = await channel.client.post(
        "/channels/externalMedia",
        channelId=channel.id,
        app=channel.client.app,
        external_host="INCOMING",
        transport="websocket",
        encapsulation="none",
        connection_type="server",
        format=FORMAT,
        # Events and commands as JSON.
        transport_data="f(json)",
    )
    channel.name = made["name"]
    connection = (made.get("channelvars") or {}).get(CONNECTION) or (await channel.variables(CONNECTION)).get(
        CONNECTION
    )
    if not connection:
        raise AsteriskRefused(500, f"no {CONNECTION}", "POST /channels/externalMedia")
    return str(connection)
