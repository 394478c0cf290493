#!/usr/bin/python3
"""A control: an AGI script that Asterisk forks for each step of a call.

Arguments: database, step, and the step's own arguments.
"""

import sqlite3
import sys
import time

told = {}
while line := sys.stdin.readline().strip():
    name, _, value = line.partition(": ")
    told[name] = value
path, step, *about = sys.argv[1:]
call, caller = told["agi_uniqueid"], told["agi_callerid"]
database = sqlite3.connect(path, timeout=20, isolation_level=None)
database.execute("PRAGMA synchronous = FULL")
if step == "arrive":
    lead = database.execute("SELECT id FROM lead WHERE phone = ?", (caller,)).fetchone()
    database.execute("BEGIN IMMEDIATE")
    if lead is None:
        new = "INSERT INTO lead (phone, at, status) VALUES (?, ?, 'new') RETURNING id"
        lead = database.execute(new, (caller, time.time())).fetchone()
    row = (call, about[0], caller, *lead, time.time())
    database.execute("INSERT INTO call (id, did, caller, lead, at) VALUES (?, ?, ?, ?, ?)", row)
    database.execute("COMMIT")
elif step == "route":
    [agent] = database.execute("SELECT agent FROM line WHERE did = ?", (about[0][-4:],)).fetchone()
    row = (call, time.time(), f"key {about[1]}")
    database.execute("INSERT INTO event (call, at, what) VALUES (?, ?, ?)", row)
    print(f"SET VARIABLE AGENT {agent}", flush=True)
    sys.stdin.readline()
else:
    outcome = about[0] if about and about[0] else "gave up"
    database.execute("UPDATE call SET outcome = ?, ended = ? WHERE id = ?", (outcome, time.time(), call))
