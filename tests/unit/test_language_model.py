"""The client of an OpenAI-compatible endpoint, and what may be said of its answers, against servers of this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from crm.edge import language_model
from crm.edge.language_model import LanguageModel, LanguageModelFailed

pytestmark = pytest.mark.unit

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ASKED = [{"role": "user", "content": "hello"}]


@contextlib.asynccontextmanager
async def endpoint(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def model_at(url: str, **how: float) -> AsyncIterator[LanguageModel]:
    model = LanguageModel(url, "tiny", "secret-key", **how)  # type: ignore[arg-type]
    try:
        yield model
    finally:
        await model.close()


def event(token: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": token}}]}).encode() + b"\n\n"


async def begun(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    return response


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_pieces_are_put_together_and_the_key_and_the_model_are_named() -> None:
    seen: dict[str, object] = {}

    async def speaks(request: web.Request) -> web.StreamResponse:
        seen.update(await request.json(), key=request.headers["Authorization"])
        response = await begun(request)
        for token in ('{"intent"', ': "rent"', "}"):
            await response.write(event(token))
        await response.write(b"data: [DONE]\n\n")
        return response

    async with endpoint(speaks) as url, model_at(url) as model:
        assert await model.answer(ASKED) == '{"intent": "rent"}'
    assert (seen["model"], seen["stream"], seen["key"]) == ("tiny", True, "Bearer secret-key")


async def test_an_endpoint_that_does_not_stream_is_understood_too() -> None:
    async def answers(request: web.Request) -> web.StreamResponse:
        return web.json_response({"choices": [{"message": {"content": '{"say": "Hello"}'}}]})

    async with endpoint(answers) as url, model_at(url) as model:
        assert await model.answer(ASKED) == '{"say": "Hello"}'


async def test_one_that_connects_and_says_nothing_is_given_up() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await response.write(b": still here\n\n")
        await for_ever()
        return response

    async with endpoint(silent) as url, model_at(url, first_token_seconds=0.1) as model:
        with pytest.raises(LanguageModelFailed, match="said nothing within"):
            await model.answer(ASKED)


async def test_one_that_does_not_even_answer_the_request_is_given_up() -> None:
    async def dead(request: web.Request) -> web.StreamResponse:
        await for_ever()
        raise AssertionError

    async with endpoint(dead) as url, model_at(url, first_token_seconds=0.1) as model:
        with pytest.raises(LanguageModelFailed, match="said nothing within"):
            await model.answer(ASKED)


async def test_one_that_begins_and_does_not_finish_is_given_up() -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await response.write(event('{"say":'))
        await for_ever()
        return response

    async with endpoint(slow) as url, model_at(url, whole_seconds=0.3) as model:
        with pytest.raises(LanguageModelFailed, match="did not finish"):
            await model.answer(ASKED)


@pytest.mark.parametrize(
    "line",
    [b"data: {broken\n\n", b'data: {"choices": "none"}\n\n', b"data: [1, 2]\n\n", b'data: {"error": "overloaded"}\n\n'],
)
async def test_what_is_no_completion_is_given_up(line: bytes) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await response.write(line)
        return response

    async with endpoint(broken) as url, model_at(url) as model:
        with pytest.raises(LanguageModelFailed, match="no chat completion"):
            await model.answer(ASKED)


async def test_an_answer_without_an_end_is_cut_off() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(event("la " * 500))
        return response

    async with endpoint(endless) as url, model_at(url, whole_seconds=30.0) as model:
        with pytest.raises(LanguageModelFailed, match="does not end"):
            await model.answer(ASKED)


async def test_an_error_status_and_a_closed_port_are_failures() -> None:
    async def overloaded(request: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    async with endpoint(overloaded) as url, model_at(url) as model:
        with pytest.raises(LanguageModelFailed, match="503"):
            await model.answer(ASKED)
    async with model_at(url) as model:
        with pytest.raises(LanguageModelFailed, match="cannot be reached"):
            await model.answer(ASKED)


async def test_after_several_failures_it_is_left_alone_for_a_while() -> None:
    asked, now = 0, 0.0

    async def overloaded(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=500)

    async with endpoint(overloaded) as url:
        model = LanguageModel(url, "tiny", clock=lambda: now)
        for _ in range(language_model.FAILURES + 2):
            with pytest.raises(LanguageModelFailed):
                await model.answer(ASKED)
        assert asked == language_model.FAILURES
        now = language_model.REST_SECONDS
        with pytest.raises(LanguageModelFailed):
            await model.answer(ASKED)
        assert asked == language_model.FAILURES + 1
        await model.close()
