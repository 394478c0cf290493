"""Who keeps a home, told from its lock."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
from pathlib import Path

import pytest

from crm.config import Config
from crm.edge import processes
from crm.edge.processes import Process

pytestmark = pytest.mark.unit


def test_the_keeper_is_who_has_the_lock_also_where_its_number_could_not_be_written(tmp_path: Path) -> None:
    config = Config(tmp_path)
    config.run_folder.mkdir()
    path = processes.lock_of_keeper(config)
    assert processes.keeper(config) is None
    with path.open("w") as lock:
        lock.write(f"{processes.me().pid} {processes.me().started}")
        lock.flush()
        assert processes.keeper(config) is None, "nobody has locked it"
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert processes.keeper(config) == processes.me()
        path.write_text("1 no-such-start")
        assert processes.keeper(config) == processes.me()


def test_a_number_that_was_given_out_again_is_another_process() -> None:
    assert processes.me().is_alive
    assert not Process(os.getpid(), "1").is_alive
    assert not Process(os.getpid(), "1").send_signal(0)


def test_of_two_apps_the_later_one_is_meant_whichever_has_the_higher_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers begin again from the lowest ones."""
    config = Config(tmp_path)
    command = ["python", "cli.py", *processes.calls_arguments(config)]
    monkeypatch.setattr(processes, "_of_its_user", lambda _: [(400, command, "1"), (32000, command, "1")])
    monkeypatch.setattr(processes, "start_of", {400: "1000", 32000: "999"}.get)
    assert processes.running(config) == {processes.APP: Process(400, "1000")}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees what another user runs")
def test_root_finds_what_the_owner_of_the_home_runs_and_nobody_elses(tmp_path: Path) -> None:
    """As `sudo leaseline db move` has to, where systemd runs Leaseline."""
    config = Config(tmp_path)
    owner, other = pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("nobody").pw_uid
    os.chown(tmp_path, owner, -1)
    waits = ["/bin/sh", "-c", "echo; read _", "cli.py", *processes.calls_arguments(config)]
    for user, found in ((owner, {processes.APP}), (other, set())):
        with subprocess.Popen(waits, user=user, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin
            assert process.stdout
            assert process.stdout.readline() == b"\n"
            assert processes.running(config).keys() == found
            process.stdin.write(b"\n")
