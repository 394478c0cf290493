"""What strangers find at our doors: old encryption is refused, nothing names a product, and no file is for others."""

from __future__ import annotations

import asyncio
import re
import ssl
import stat

import aiohttp
import pytest

from tests.system import System

pytestmark = [pytest.mark.calls, pytest.mark.asyncio(loop_scope="session")]

PRODUCT = re.compile(rb"asterisk|leaseline|pjsip|pjproject|22\.10", re.IGNORECASE)


async def agreed(system: System, version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> str | None:
    """What a stranger's TLS client agrees on with our SIP port; None when it is refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers)
    context.minimum_version = context.maximum_version = version
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", system.config.ports.sips, ssl=context)
    except (ssl.SSLError, ConnectionError):
        return None
    agreed = writer.get_extra_info("ssl_object").cipher()[0]
    writer.close()
    return str(agreed)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
async def test_tls_has_forward_secrecy_or_there_is_none(system: System) -> None:
    assert await agreed(system, ssl.TLSVersion.TLSv1_3) == "TLS_AES_256_GCM_SHA384"
    assert await agreed(system, ssl.TLSVersion.TLSv1_2) == "ECDHE-RSA-AES256-GCM-SHA384"
    for weak in ("AES256-GCM-SHA384", "AES128-SHA", "ECDHE-RSA-AES128-SHA"):
        assert await agreed(system, ssl.TLSVersion.TLSv1_2, f"{weak}:@SECLEVEL=0") is None
    assert await agreed(system, ssl.TLSVersion.TLSv1_1) is None


class Stranger(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answer = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done():
            self.answer.set_result(data)


async def test_no_answer_names_a_product_or_version(system: System) -> None:
    for method in ("OPTIONS", "REGISTER", "INVITE", "MESSAGE"):
        link, stranger = await asyncio.get_running_loop().create_datagram_endpoint(
            Stranger, remote_addr=("127.0.0.1", system.config.ports.sip)
        )
        port = link.get_extra_info("sockname")[1]
        link.sendto(
            f"{method} sip:101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}\r\n"
            f"From: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:101@127.0.0.1>\r\nCall-ID: {port}\r\nCSeq: 1 {method}\r\n"
            f"Contact: <sip:x@127.0.0.1:{port}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode()
        )
        async with asyncio.timeout(60):
            answer = await stranger.answer
        link.close()
        assert answer.startswith(b"SIP/2.0 401"), method
        assert not PRODUCT.search(answer), answer
    async with aiohttp.ClientSession() as session:
        for port in (system.config.ports.http, system.config.ports.web):
            async with session.get(f"http://127.0.0.1:{port}/") as response:
                head = str(response.raw_headers).encode()
            assert not PRODUCT.search(head), head


async def test_every_file_of_the_home_is_for_its_owner_alone(system: System) -> None:
    home = system.config.home
    written = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert (system.config.asterisk_folder / "var" / "astdb.sqlite3") in written
    # What the test itself wrote, which `leaseline` writes with its own umask (cli.py), or links to.
    by_test = ("leaseline.toml", "home.json", "node", "publish.lock")
    others = [path for path in written if path.name not in by_test and not path.name.startswith("test-")]
    ours = [path for path in others if "prompts" not in path.parts]
    assert [path for path in ours if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
