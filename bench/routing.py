"""How long the routing decision takes in a large office: by itself, and including the reads it depends on.

500 properties and 2,000 agents. The decision is compared with a control in the same run, sorting the same number of
names: `script/bench routing`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from crm.config import Config, Menu, Ring
from crm.domain.choosing import KeyedAnswer, Names, PropertyName, Question, choose
from crm.domain.ringing import Strategy
from crm.domain.routing import (
    TEAM,
    CallerFacts,
    CallerKind,
    DeskKind,
    DeskRoute,
    OfficeFacts,
    OfficeState,
    People,
    PropertyFacts,
    RoutingInputs,
    decide,
)
from crm.services.routing import replays, routes
from crm.services.routing.replays import Changes
from crm.services.routing.routes import PhonesNow
from crm.store import decisions, migrate
from crm.store.models import (
    Agent,
    Call,
    Device,
    Hours,
    Line,
    Organization,
    Portfolio,
    Property,
    RoutingDecision,
    Subteam,
)
from crm.store.session import Store

PROPERTIES, AGENTS, TEAMS, PORTFOLIOS = 500, 2000, 100, 10
NOW = datetime(2026, 3, 3, 16, tzinfo=UTC)
WORDS = ("Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Juniper", "Larch", "Maple", "Oak", "Pine", "Willow")
NAMES = tuple(PropertyName(f"p{n}", f"{WORDS[n % 12]} {WORDS[n // 12 % 12]} {n}", area="") for n in range(PROPERTIES))
DIRECTORY = Names(NAMES)
PEOPLE = tuple(f"agent-{n}" for n in range(AGENTS))
TO_TEAM = (KeyedAnswer(Question.MENU, TEAM),)


def any_inputs(chance: random.Random) -> RoutingInputs:
    """Returns the inputs of a random call: any property, people, hour and caller, and answers that need not fit."""
    first = chance.randrange(TEAMS) * (AGENTS // TEAMS)
    team = PEOPLE[first : first + AGENTS // TEAMS]
    sisters = PEOPLE[(first + 20) % AGENTS : (first + 20) % AGENTS + 40]
    keys = [KeyedAnswer(chance.choice(list(Question)), chance.choice("0123456789")) for _ in range(chance.randrange(6))]
    desks = {kind: DeskRoute(agents=team[:3]) for kind in chance.sample(list(DeskKind), chance.randrange(4))}
    return RoutingInputs(
        now=NOW,
        line_known=chance.random() > 0.02,
        answers=(*keys, *TO_TEAM),
        office=OfficeFacts(chance.choice(list(OfficeState))),
        caller=CallerFacts(
            "+15125550123",
            chance.choice([CallerKind.PROSPECT] * 3 + list(CallerKind)),
            assigned_agent=chance.choice([None, *team]),
        ),
        property=PropertyFacts("p1", "Ash Ash 1", has_tours=chance.random() > 0.5),
        desks=desks,
        people=People(
            subteam=team,
            strategy=chance.choice(list(Strategy)),
            sisters=sisters,
            everyone=PEOPLE,
            available=frozenset(chance.sample(PEOPLE, chance.randrange(AGENTS))),
            busy=frozenset(chance.sample(PEOPLE, chance.randrange(AGENTS))),
            after_hours=frozenset(team[:2]),
            owner=team[0],
        ),
        waiting=chance.randrange(5),
        answering_service=chance.choice([None, "+15125550180"]),
        rules=routes.rules(Config(Path("."), menu=Menu(languages=("es",)))),
    )


def choosing(inputs: RoutingInputs, chance: random.Random) -> RoutingInputs:
    """Returns the same call on a line without a property, so that choosing among all is part of the decision."""
    letters = KeyedAnswer(Question.LETTERS, "".join(chance.choice("23456789") for _ in range(3)))
    return replace(inputs, answers=(letters, *inputs.answers), property=None)


def times(act: Callable[[RoutingInputs], object], cases: list[RoutingInputs]) -> list[float]:
    """Returns the CPU milliseconds of each case."""
    found = []
    for case in cases:
        began = time.process_time()
        act(case)
        found.append((time.process_time() - began) * 1000)
    return found


async def large_office(store: Store) -> None:
    with store.writing() as session:
        agents = [
            Agent(
                slug=slug,
                name=slug,
                last_talk_ended_at=NOW - timedelta(minutes=number),
                devices=[Device(slug=f"{slug}-desk", kind="desk")],
            )
            for number, slug in enumerate(PEOPLE)
        ]
        session.add_all(agents)
        session.flush()
        session.add(Organization(name="Large", admin_agent_id=agents[0].id))
        size = AGENTS // TEAMS
        teams = [Subteam(slug=f"t{n}", name=f"t{n}", members=agents[n * size : (n + 1) * size]) for n in range(TEAMS)]
        for number, team in enumerate(teams):
            team.sisters = [teams[(number + 1) % TEAMS]]
        portfolios = [Portfolio(slug=f"f{number}", name=f"f{number}") for number in range(PORTFOLIOS)]
        properties = [
            Property(slug=one.slug, name=one.name, subteam=teams[n % TEAMS], portfolio=portfolios[n % PORTFOLIOS])
            for n, one in enumerate(NAMES)
        ]
        session.add_all(properties)
        session.add_all(
            Line(number=f"+1512{n:07}", label=property.name, property=property) for n, property in enumerate(properties)
        )
        session.add(Line(number="+15125550199", label="all"))
        session.add_all(Hours(weekday=day, opens="00:00", closes="24:00") for day in range(7))


async def replayed(folder: Path, cases: list[RoutingInputs]) -> float:
    """Returns the seconds it takes to replay recorded calls under changed rules, on SQLite."""
    url = f"sqlite:///{folder / 'past.db'}"
    await asyncio.to_thread(migrate.upgrade, url)
    store = Store(url)
    with store.writing() as session:
        for number, case in enumerate(cases):
            session.add(Call(id=f"c{number}", did="+15125550199", started_at=NOW))
            session.flush()
            session.add(
                RoutingDecision(
                    id=f"c{number}/r",
                    call_id=f"c{number}",
                    at=NOW + timedelta(seconds=number),
                    rule="",
                    reasons=[],
                    stages=[],
                    inputs=decisions.told("", "", NOW, case, decide(case)).inputs,
                    plan={},
                )
            )
    began = time.perf_counter()
    found = replays.replay(store, Config(folder), Changes({"subteam_seconds": 5.0}), NOW)
    spent = time.perf_counter() - began
    assert (found.calls, found.unreadable) == (len(cases), 0)
    store.close()
    return spent


async def gathered(folder: Path, rounds: int, chance: random.Random) -> dict[str, list[float]]:
    """Returns the CPU milliseconds of decisions including their reads, on SQLite."""
    url = f"sqlite:///{folder / 'large.db'}"
    await asyncio.to_thread(migrate.upgrade, url)
    store, config = Store(url), Config(folder)
    quiet = msgspec.structs.replace(config, ring=Ring(everyone_seconds=0))
    await large_office(store)
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        number = f"+1512{chance.randrange(PROPERTIES):07}"
        letters = (*TO_TEAM, KeyedAnswer(Question.LETTERS, "".join(chance.choice("23456789") for _ in range(3))))
        for name, rules, did, answers in (
            ("the menu", config, number, ()),
            ("its own people may ring", quiet, number, TO_TEAM),
            ("all 2,000 may ring", config, number, TO_TEAM),
            ("a choice by letters", config, "+15125550199", letters),
        ):
            began = time.process_time()
            await store.read(routes.plan, rules, did, "+15125550123", answers, PhonesNow(NOW))
            found.setdefault(name, []).append((time.process_time() - began) * 1000)
    store.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--calls", type=int, default=50, help="decisions that include their reads")
    options = parser.parse_args()
    chance = random.Random(1)
    cases = [any_inputs(chance) for _ in range(options.rounds)]
    unsure = [choosing(case, chance) for case in cases]
    rows = {
        "sorting 500 names (control)": times(lambda _: sorted(NAMES, key=lambda one: one.name), cases),
        "decide": times(decide, cases),
        "choose among 500, then decide": times(
            lambda case: decide(replace(case, choice=choose(DIRECTORY, None, case.answers))), unsure
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(gathered(Path(folder), options.calls, chance))
        past = [replace(case, people=replace(case.people, everyone=case.people.subteam)) for case in cases[:1000]]
        small = [replace(case, people=_without_strangers(case.people)) for case in past]
        again = asyncio.run(replayed(Path(folder), small))
    rows |= {f"including reads on SQLite: {name}": spent for name, spent in found.items()}
    control = statistics.median(rows["sorting 500 names (control)"])
    table = Table("500 properties, 2,000 agents", "median ms", "p99 ms", "times the control")
    for name, spent in rows.items():
        median = statistics.median(spent)
        p99 = statistics.quantiles(spent, n=100)[98]
        table.add_row(name, f"{median:.3f}", f"{p99:.3f}", f"{median / control:.1f}")
    console = Console(width=110)
    console.print(table)
    console.print(f"{len(small)} recorded calls replayed under other rules: {again:.2f} s")


def _without_strangers(people: People) -> People:
    """Returns the people as recorded for a call in which only the property's people may ring."""
    team = frozenset((*people.subteam, *people.sisters))
    now = {name: getattr(people, name) & team for name in ("available", "busy", "after_hours")}
    return replace(people, **now)


if __name__ == "__main__":
    main()
