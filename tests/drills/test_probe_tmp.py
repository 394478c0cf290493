from __future__ import annotations
import asyncio, json
import pytest
from tests.system import *
pytestmark = [pytest.mark.drills, pytest.mark.asyncio(loop_scope="session")]

async def show(system, label):
    for c in await system.ari("/channels"):
        print(label, c["id"], c["name"], c["state"], c["dialplan"], flush=True)
    print(label, "bridges", [(b["id"], b["bridge_class"], b["channels"]) for b in await system.ari("/bridges")])

async def test_probe(system: System) -> None:
    async with system.phone("alice-desk") as alice, system.phone("bob-desk") as bob, system.caller() as caller:
        await system.to_team(caller)
        await alice.wait_for("CALL_INCOMING"); await bob.wait_for("CALL_INCOMING")
        await show(system, "ringing")
        await system.kill_app()
        await alice.answer()
        await alice.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(1)
        await show(system, "answered")
        print("events", alice.events[-3:], caller.events[-3:])
        s = system.spoken("I would like to see an apartment please")
        await caller.say(s)
        await system.hears(alice, s)
        await asyncio.sleep(5)
        await show(system, "after deadman")
        await system.start_app()
        await asyncio.sleep(1)
        await show(system, "after return")
        print("events", alice.events[-3:], caller.events[-3:])
        t = system.spoken("We have many apartments")
        await alice.say(t)
        await system.hears(caller, t)
        await alice.hang_up()
        await asyncio.sleep(1)
        await show(system, "after agent's hangup")
        print("events", alice.events[-3:], caller.events[-3:])
        await asyncio.sleep(5)
        await show(system, "later")
        await caller.hang_up()
    try:
        call = await system.ended_call(caller.user)
    finally:
        call = await system.call_from(caller.user)
        print(call.outcome, call.without_app, [(l.id, l.device, l.status, l.stage, l.answered_at, l.ended_at) for l in call.legs])
        for e in call.events: print(e.at, e.kind, e.id, e.data)
        import subprocess
        print(subprocess.run("tail -30 "+str(system.config.log_folder/"app.log")+"; cat "+str(system.config.asterisk_folder/"log"/"messages")+"; ls -R "+str(system.config.spool_folder)+"; cat "+str(system.config.spool_folder)+"/done/*", shell=True, capture_output=True, text=True).stdout)
