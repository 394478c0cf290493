"""The API against its own description: requests that schemathesis makes of it, right and wrong ones, and what is
answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from crm.web.api.app import operations
from tests.web.api import Office, running_api

pytestmark = pytest.mark.web

EXAMPLES = 3
"""Of each operation and kind."""
STORIES = 25
# The same at each run: what fails here fails everywhere. With more of them, it takes minutes, and finds more.
BOUNDS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    stateful_step_count=6,
)


@pytest.fixture
async def office(tmp_path: Path, migrated: Path) -> AsyncIterator[Office]:
    async with running_api(tmp_path, migrated, requests_per_minute=1_000_000) as found:
        yield found


def described(office: Office) -> Any:
    # It takes a second to load, so only these tests do.
    import schemathesis

    schema = schemathesis.openapi.from_url(f"{office.http.base_url}/api/v1/openapi.json")
    # Whether a property is there, no schema knows.
    schema.config.checks.positive_data_acceptance.enabled = False
    return schema


async def test_the_description_is_one(office: Office) -> None:
    schema = await asyncio.to_thread(described, office)
    schema.validate()
    assert {one.ok().label for one in schema.get_all_operations()} == {
        f"{one.method} {one.path}" for one in operations()
    }


async def test_whatever_is_asked_is_answered_as_described(office: Office) -> None:
    key = office.key("all").key

    def ask() -> Counter[str]:
        from schemathesis.generation.modes import GenerationMode

        found = [one.ok() for one in described(office).get_all_operations()]
        asked: Counter[str] = Counter()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for operation in found:
                asked[operation.label] += asked_of(operation.as_strategy(generation_mode=mode), key)
        return asked

    asked = await asyncio.to_thread(ask)
    assert len(asked) == len(operations())


def asked_of(cases: Any, key: str) -> int:
    """How many requests there were, all of which were answered as they should be."""
    count = 0

    @settings(BOUNDS, max_examples=EXAMPLES)
    @given(case=cases)
    def run(case: Any) -> None:
        nonlocal count
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"})
        count += 1

    run()
    return count


async def test_what_is_made_is_there_for_what_follows(office: Office) -> None:
    key = office.key("all").key

    def tell() -> set[str]:
        from schemathesis.generation.modes import GenerationMode

        reached = set()

        class Story(described(office).as_state_machine()):  # type: ignore[misc]
            def before_call(self, case: Any) -> None:
                # What is meant to be wrong stays so: it has to be refused.
                is_wrong = case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE
                if case.operation.label == "POST /leads" and not is_wrong:
                    case.body = {"name": "Pat", "property": "elm"}

            def get_call_kwargs(self, case: Any) -> dict[str, Any]:
                return {"headers": {"Authorization": f"Bearer {key}"}}

            def validate_response(self, response: Any, case: Any, **more: Any) -> None:
                if response.status_code in (200, 201):
                    reached.add(case.operation.label)
                super().validate_response(response, case, **more)

        Story.run(settings=settings(BOUNDS, max_examples=STORIES))
        return reached

    reached = await asyncio.to_thread(tell)
    assert "POST /leads" in reached
    assert any("{lead}" in label for label in reached)
