"""What browsers are told of STUN and TURN servers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm import config as settings
from crm.config import ConfigError
from crm.edge import turn
from crm.edge.turn import IceServer

pytestmark = pytest.mark.unit

UNTIL = datetime.fromtimestamp(1433895918, UTC)


def test_the_password_is_made_as_the_scheme_says() -> None:
    """By `printf 1433895918:alice-web | openssl dgst -sha1 -hmac north -binary | base64`."""
    assert turn.servers(["turn:t.example.com"], "north", "alice-web", UNTIL) == [
        IceServer(("turn:t.example.com",), "1433895918:alice-web", "IJQrD0/zpj/0pLuOAVgRwFnVSIQ=")
    ]


def test_a_stun_server_wants_no_password() -> None:
    assert turn.servers(["stun:t.example.com:3478"], "", "alice-web", UNTIL) == [
        IceServer(("stun:t.example.com:3478",))
    ]


@pytest.mark.parametrize(
    "url", ["turn.example.com", "https://example.com", "stun:a?transport=tcp", "turn:a b", "turn:"]
)
def test_what_is_no_such_server_is_refused_with_what_to_write(url: str, tmp_path: Path) -> None:
    (tmp_path / "leaseline.toml").write_text(f'[console]\nice_servers = ["{url}"]\n')
    with pytest.raises(ConfigError, match="write stun:HOST:PORT"):
        settings.load(tmp_path)
