"""A language model behind an OpenAI-compatible endpoint: llama.cpp, Ollama, vLLM, or a hosted one.

It streams (POST /chat/completions with `"stream": true`, server-sent events), so that one which is connected and says
nothing is noticed at once: a caller waits. After some failures in a row it is left alone for a while.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

FIRST_TOKEN_SECONDS = 0.7
WHOLE_SECONDS = 2.5
MOST_TOKENS = 160
LONGEST_ANSWER = 8000
"""Characters; a model that goes on and on is cut off."""
MOST_BYTES = 200_000
"""Of an answer with all that is sent around its words."""
FAILURES, REST_SECONDS = 3, 30.0
"""After so many failures in a row, it is not asked for so long."""


class LanguageModelFailed(Exception):
    """No answer in time, or none that can be read; the text says why, for the log."""


class LanguageModel:
    """One endpoint, whose connection is kept between turns."""

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        *,
        first_token_seconds: float = FIRST_TOKEN_SECONDS,
        whole_seconds: float = WHOLE_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._first, self._whole = first_token_seconds, whole_seconds
        self._clock = clock
        self._failures, self._rests_until = 0, 0.0
        import httpx  # Offices without a language model, most of them, start without it.

        self._unreachable = httpx.HTTPError, httpx.InvalidURL
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(whole_seconds, connect=first_token_seconds)
        self._http = httpx.AsyncClient(timeout=timeout, headers=headers, follow_redirects=False, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    @property
    def is_resting(self) -> bool:
        """It failed several times in a row lately."""
        return self._clock() < self._rests_until

    async def answer(self, messages: Sequence[dict[str, str]]) -> str:
        """The model's answer as it came. Raises LanguageModelFailed, at the latest after the whole time."""
        if self.is_resting:
            raise LanguageModelFailed("it failed several times in a row and is left alone")
        try:
            async with asyncio.timeout(self._whole):
                said = await self._streamed(messages)
        except TimeoutError as error:
            self._failed()
            raise LanguageModelFailed(f"it did not finish within {self._whole} s") from error
        except LanguageModelFailed:
            self._failed()
            raise
        except self._unreachable as error:
            self._failed()
            raise LanguageModelFailed(f"it cannot be reached: {type(error).__name__}") from error
        self._failures = 0
        return said

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._failures, self._rests_until = 0, self._clock() + REST_SECONDS

    async def _streamed(self, messages: Sequence[dict[str, str]]) -> str:
        body = {
            "model": self._model,
            "messages": list(messages),
            "stream": True,
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
            "response_format": {"type": "json_object"},
        }
        said = ""
        try:
            async with asyncio.timeout(self._first) as until_first:
                async with self._http.stream("POST", self._url, json=body) as response:
                    if response.status_code != 200:
                        raise LanguageModelFailed(f"it answered {response.status_code}")
                    async for token in _tokens(response):
                        if not said and token.strip():
                            until_first.reschedule(None)
                        said += token
                        if len(said) > LONGEST_ANSWER:
                            raise LanguageModelFailed("its answer does not end")
        except TimeoutError as error:
            if said.strip():
                raise
            raise LanguageModelFailed(f"it said nothing within {self._first} s") from error
        if not said.strip():
            raise LanguageModelFailed("it said nothing")
        return said


async def _tokens(response: httpx.Response) -> AsyncIterator[str]:
    """The pieces of the answer, from server-sent events, or from one body where the endpoint does not stream."""
    if "text/event-stream" not in response.headers.get("content-type", ""):
        yield _text(await _body(response), "message")
        return
    left = b""
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MOST_BYTES:
            raise LanguageModelFailed("its answer does not end")
        *lines, left = (left + chunk).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                return
            yield _text(data, "delta")


async def _body(response: httpx.Response) -> bytes:
    found = b""
    async for chunk in response.aiter_bytes():
        found += chunk
        if len(found) > MOST_BYTES:
            raise LanguageModelFailed("its answer does not end")
    return found


def _text(data: bytes, part: str) -> str:
    try:
        parsed: Any = json.loads(data)
        choices = parsed["choices"]
        # The last event of some endpoints has usage and no choices.
        content = choices[0].get(part, {}).get("content") if choices else ""
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise LanguageModelFailed("its answer is no chat completion") from error
    return content if isinstance(content, str) else ""
