"""A control: a FastAGI server that handles a call and writes its rows with plain sqlite3."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
import time
from functools import partial

from bench.call import thin


async def handle(
    database: sqlite3.Connection, prompts: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    async def do(command: str) -> str:
        writer.write(f"{command}\n".encode())
        answer = (await reader.readline()).decode()
        if answer.startswith("HANGUP"):
            answer = (await reader.readline()).decode()
        if not answer:
            raise ConnectionResetError
        return answer

    with contextlib.suppress(ConnectionError):
        told = {}
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(": ")
            told[name] = value
        call, did, caller = told["agi_uniqueid"], told["agi_arg_1"], told["agi_callerid"]
        [agent] = database.execute("SELECT agent FROM line WHERE did = ?", (did[-4:],)).fetchone()
        lead = database.execute("SELECT id FROM lead WHERE phone = ?", (caller,)).fetchone()
        facts = [(call, time.time(), "arrived")]
        dialed, answered = None, ""
        try:
            await do("ANSWER")
            with _writing(database):
                database.execute(
                    "INSERT INTO call (id, did, caller, at, step) VALUES (?, ?, ?, ?, 'menu')",
                    (call, did, caller, time.time()),
                )
                _add(database, facts)
            await do(f"EXEC Read KEY,{prompts}/welcome&{prompts}/menu,1,,1,5")
            if "(2)" in await do("GET VARIABLE KEY"):
                dialed = time.time()
                facts += [(call, dialed, "key 2"), (call, dialed, "rings")]
                await do(f"EXEC Dial PJSIP/{agent},20,r")
                answered = (await do("GET VARIABLE DIALSTATUS")).strip()
        finally:
            facts.append((call, time.time(), "ended"))
            with _writing(database):
                if lead is None:
                    lead = database.execute(
                        "INSERT INTO lead (phone, at, status, owner) VALUES (?, ?, 'new', ?) RETURNING id",
                        (caller, time.time(), agent),
                    ).fetchone()
                _add(database, facts)
                if dialed:
                    leg = (f"{call}-leg", call, agent, dialed, time.time(), answered)
                    database.execute("INSERT INTO leg VALUES (?, ?, ?, ?, ?, ?)", leg)
                database.execute(
                    "INSERT INTO task (lead, call, due, why) VALUES (?, ?, ?, 'follow up')", (*lead, call, time.time())
                )
                database.execute(
                    "UPDATE call SET lead = ?, ended = ?, outcome = ?, step = 'talk' WHERE id = ?",
                    (*lead, time.time(), "talked" if dialed else "gave up", call),
                )
    writer.close()


@contextlib.contextmanager
def _writing(database: sqlite3.Connection):  # type: ignore[no-untyped-def]
    database.execute("BEGIN IMMEDIATE")
    yield
    database.execute("COMMIT")


def _add(database: sqlite3.Connection, facts: list[tuple[str, float, str]]) -> None:
    database.executemany("INSERT INTO event (call, at, what) VALUES (?, ?, ?)", facts)
    facts.clear()


async def main(port: int, path: str, prompts: str) -> None:
    server = await asyncio.start_server(partial(handle, thin.connect(path), prompts), "127.0.0.1", port, backlog=500)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
