"""The weekly review on real databases: what is drawn, what is shown of it, and what the answers change."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.config import Config
from crm.domain import metrics
from crm.domain.calls import CallArrived, Routed
from crm.domain.imports import Wrong
from crm.domain.reviews import ReviewAnswer, read_answers
from crm.domain.tours import TourKind
from crm.secrets import Secrets
from crm.services import reviews
from crm.services.audit import By
from crm.services.calls import ledger
from crm.services.tours import booking, times
from crm.store.models import CallReview
from crm.store.session import Store
from crm.views import reports as report_views
from crm.views import reviews as views
from tests.store.test_reports import MAPLE, NOW, after, called

pytestmark = [pytest.mark.store, pytest.mark.usefixtures("office")]

DAY = timedelta(days=1)
BY = By("dana", after(600))


async def reviewed(store: Store) -> list[tuple[str, bool, str, str]]:
    with store.reading() as session:
        found = session.scalars(select(CallReview).order_by(CallReview.call_id))
        return [(one.call_id, one.routed_right, one.note, one.who) for one in found]


async def test_the_sample_is_by_chance_repeatable_and_without_what_is_reviewed(store: Store, config: Config) -> None:
    for number in range(8):
        await called(store, config, f"c{number}", f"+151255501{number:02d}", talk=False)
    await store.run(ledger.record, config, CallArrived("up/a", "up", NOW, MAPLE, "+15125550190"), NOW)

    async def drawn(size: int, seed: int | None = None) -> list[str]:
        return [one.call for one in await store.read(views.sample, NOW - DAY, NOW + DAY, size, seed)]

    assert await drawn(3, 7) == await drawn(3, 7)
    assert len({tuple(await drawn(3, seed)) for seed in range(10)}) > 1
    assert await drawn(50) == [f"c{number}" for number in range(8)]
    await store.run(reviews.answer, BY, [ReviewAnswer("c3", True)])
    assert "c3" not in await drawn(50)
    assert await store.read(views.sample, NOW + DAY, NOW + 2 * DAY, 5) == []


async def test_a_case_shows_the_decision_who_talked_and_what_the_crm_got(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    routed = Routed("c1/routed", "c1", after(1), "subteam", ("The subteam leases it.",), ("subteam",), "live")
    await store.run(ledger.record, config, routed, after(61))
    await store.run(times.set_hours, BY, "maple", ["mon-sun 10:00-12:00"], kind=TourKind.REMOTE, minutes=30)
    [slot, *_] = await store.read(times.free, config, "maple", BY.now)
    secrets = Secrets(config.secrets_file)
    await store.run(
        booking.book,
        config,
        secrets,
        BY,
        person="+15125550171",
        property_slug="maple",
        at=slot.starts_at,
        key="t",
        call_id="c1",
    )
    await called(store, config, "c2", "+15125550172", talk=False)
    talked, missed = await store.read(views.sample, NOW - DAY, NOW + DAY, 5)
    assert (talked.rule, talked.path, talked.reasons) == ("subteam", "live", ["The subteam leases it."])
    assert talked.talked_with == ["alice"]
    assert (talked.property, talked.stage) == ("maple", "showing_booked")
    assert (talked.tour, talked.task) == (slot.starts_at, None)
    assert missed.task
    assert missed.task.startswith("call_back, ")
    assert (missed.talked_with, missed.tour, missed.audio) == ([], None, [])


async def test_answers_count_in_the_figures_in_place_of_the_rule(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    await called(store, config, "c2", "+15125550172", talk=True, transfer=True)

    async def first_pass() -> tuple[int, int, int]:
        found = await store.read(report_views.calls, NOW - DAY, NOW + DAY)
        [all_] = metrics.figures(found, None, config.tz)
        return all_.first_pass, all_.qualified, all_.reviewed

    assert await first_pass() == (1, 2, 0)
    await store.run(reviews.answer, BY, [ReviewAnswer("c2", True, "The transfer was to the same team.")])
    assert await first_pass() == (2, 2, 1)
    await store.run(reviews.answer, BY, [ReviewAnswer("c1", False), ReviewAnswer("c2", False, "No.")])
    assert await first_pass() == (0, 2, 2)
    assert await reviewed(store) == [("c1", False, "", "dana"), ("c2", False, "No.", "dana")]


async def test_answers_to_unknown_calls_change_nothing(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    with pytest.raises(Wrong, match=r"line 3, column 1 \(call\): there is no such call"):
        await store.run(
            reviews.answer,
            BY,
            [ReviewAnswer("c1", True), ReviewAnswer("1.77E+09", True, "", "line 3, column 1 (call)")],
        )
    assert await reviewed(store) == []


async def test_mistyped_answers_and_unknown_calls_of_a_sheet_are_told_at_once(store: Store, config: Config) -> None:
    await called(store, config, "c1", "+15125550171", talk=True)
    sheet = read_answers("call,routed_right\nc1,yes\ngone,maybe\nc2,yes\n")
    with pytest.raises(Wrong) as wrong:
        await store.run(reviews.answer, BY, sheet.answers, sheet.problems)
    assert [one.where for one in wrong.value.problems] == [
        "line 3, column 1 (call)",
        "line 3, column 2 (routed_right)",
        "line 4, column 1 (call)",
    ]
    assert await reviewed(store) == []


async def test_a_tour_counts_once_and_for_the_call_that_brought_it(store: Store, config: Config) -> None:
    # Two calls of the person at the same time of day, and the tour within the hour after them.
    for number in range(3):
        await called(store, config, f"c{number}", "+15125550171", talk=True)
    await called(store, config, "other", "+15125550172", talk=True)
    await store.run(times.set_hours, BY, "maple", ["mon-sun 10:00-16:00"], kind=TourKind.REMOTE, minutes=30)
    secrets = Secrets(config.secrets_file)
    free = await store.read(times.free, config, "maple", BY.now)
    for number, call_id in enumerate((None, "c0", "gone")):
        await store.run(
            booking.book,
            config,
            secrets,
            BY,
            person="+15125550171",
            property_slug="maple",
            at=free[number].starts_at,
            key=f"t{number}",
            call_id=call_id,
        )
    much_later = By("alice", after(3 * 3600))
    await store.run(
        booking.book,
        config,
        secrets,
        much_later,
        person="+15125550172",
        property_slug="maple",
        at=free[-1].starts_at,
        key="late",
    )
    found = {one.id: one.tours for one in await store.read(report_views.calls, NOW - DAY, NOW + DAY)}
    assert found == {"c0": 1, "c1": 0, "c2": 2, "other": 0}
