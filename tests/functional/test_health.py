"""Checks of real tasks by a real agent: told, killed for, and without a process too many."""

from __future__ import annotations

import atexit
import os
import shlex
import socket
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.compatibility.v1_client import Scheduler, task
from tests.functional.clusters import LocalCluster, wait_until

#: How often these tasks are looked at, in seconds.
OFTEN = {"delay_seconds": 0.0, "interval_seconds": 0.2, "timeout_seconds": 5.0}


@cache
def shared() -> LocalCluster:
    """The cluster of all tests here; trial has no hook for a class, so it goes at the exit."""
    cluster = LocalCluster(1)
    atexit.register(cluster.stop)
    return cluster


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number


class Served(SynchronousTestCase):
    """A directory that tasks serve, and a framework that is gone when the test ends."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="mesostw-test-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.directory.chmod(0o755)
        self.ok = self.directory / "ok"
        self.ok.touch()
        self.port = free_port()
        self.framework = Scheduler(shared().master, {"checkpoint": True})
        self.addCleanup(self.framework.leave)
        self.framework.joined()

    def start(self, name: str, words: str = "exec sleep 3600", **more: Any) -> None:
        """Run a task and hear that it runs."""
        offers = self.framework.offers()
        one = {**task(offers[0], name, words), **more}
        self.assertEqual(self.framework.launch(offers, one), (202, ""))
        self.framework.status(name, "TASK_RUNNING")

    def serve(self, name: str, **more: Any) -> None:
        """Run a task that serves the directory over HTTP."""
        where, python = shlex.quote(str(self.directory)), shlex.quote(sys.executable)
        server = f"exec {python} -m http.server {self.port} --bind 127.0.0.1"
        self.start(name, f"cd {where} && {server}", **more)

    def sandboxes(self, name: str) -> list[Path]:
        """Where the runs of a task live."""
        return list((shared().directory / "work" / "agent1").rglob(f"executors/{name}/runs/*-*"))

    def http(self, path: str = "/ok", **more: Any) -> dict[str, Any]:
        """A health check of the served file."""
        return {"type": "HTTP", "http": {"port": self.port, "path": path}, **OFTEN, **more}


class HealthTests(Served):
    """Health that ends tasks."""

    def test_http(self) -> None:
        """A healthy task lives until it has failed so many times in a row."""
        self.serve("h", health_check=self.http(consecutive_failures=3))
        status = self.framework.status("h", "TASK_RUNNING")
        self.assertEqual(status["healthy"], True)
        self.assertEqual(status["reason"], "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED")
        (shown,) = [one for one in shared().get("/tasks")["tasks"] if one["id"] == "h"]
        self.assertEqual(shown["statuses"][-1]["healthy"], True)
        self.ok.unlink()
        for _ in range(3):
            status = self.framework.status("h")
            self.assertEqual((status["state"], status["healthy"]), ("TASK_RUNNING", False))
            self.assertEqual(status["message"], "Unhealthy: HTTP status 404")
        end = self.framework.status("h")
        self.assertEqual((end["state"], end["healthy"]), ("TASK_KILLED", False))
        self.assertIn("its health check failed 3 times in a row", end["message"])

    def test_tcp(self) -> None:
        """A port is enough; nobody listening is a failure once the grace is over."""
        tcp = {"type": "TCP", "tcp": {"port": self.port}, **OFTEN}
        self.serve("t", health_check=tcp)
        self.assertEqual(self.framework.status("t", "TASK_RUNNING")["healthy"], True)
        absent = {
            "type": "TCP",
            "tcp": {"port": free_port()},
            **OFTEN,
            "consecutive_failures": 1,
            "grace_period_seconds": 1.0,
        }
        started = time.monotonic()
        self.start("n", health_check=absent)
        status = self.framework.status("n")
        self.assertGreater(time.monotonic() - started, 0.9)
        self.assertIn("refused", status["message"])
        self.assertEqual(self.framework.status("n")["state"], "TASK_KILLED")

    def test_command(self) -> None:
        """A command runs in the task's sandbox and environment; its output goes nowhere."""
        own = {
            "value": "echo ready > ready; exec sleep 3600",
            "environment": {"variables": [{"name": "A", "value": "1"}]},
        }
        words = f'test "$A$(cat ready)" = 1ready || exit 9; echo noise; test -f {self.ok}'
        check = {"type": "COMMAND", "command": {"value": words}, **OFTEN}
        self.start("c", "", command=own, health_check={**check, "consecutive_failures": 2})
        self.assertEqual(self.framework.status("c", "TASK_RUNNING")["healthy"], True)
        self.ok.unlink()
        self.assertEqual(self.framework.status("c")["message"], "Unhealthy: exit status 1")
        end = self.framework.status("c", "TASK_KILLED")
        self.assertEqual(end["healthy"], False)

    def test_restart(self) -> None:
        """An agent that was killed goes on with the checks of what still runs."""
        self.serve("r", health_check=self.http(consecutive_failures=2))
        self.assertEqual(self.framework.status("r", "TASK_RUNNING")["healthy"], True)
        shared().kill("agent1")
        wait_until("the agent to be back", lambda: shared().active_agents() == 1)
        self.ok.unlink()
        end = self.framework.status("r", "TASK_KILLED", wait_s=60.0)
        self.assertIn("its health check failed 2 times in a row", end["message"])


class CheckTests(Served):
    """Checks that only tell."""

    def test_http(self) -> None:
        """The code is told when it changes."""
        check = {"type": "HTTP", "http": {"port": self.port, "path": "/ok"}, **OFTEN}
        self.serve("k", check=check)
        http = [200, 404, 200]
        for code in http:
            found: dict[str, Any] = {}
            while found.get("status_code") != code:
                status = self.framework.status("k", "TASK_RUNNING")
                self.assertEqual(status["reason"], "REASON_TASK_CHECK_STATUS_UPDATED")
                found = status["check_status"]["http"]
            if code == 200:
                self.ok.unlink()
            else:
                self.ok.touch()

    def test_command(self) -> None:
        """The exit status is told; a command that hangs is killed, and tells of nothing."""
        exits = {"type": "COMMAND", "command": {"command": {"value": "exit 7"}}, **OFTEN}
        self.start("e", check=exits)
        status = self.framework.status("e", "TASK_RUNNING")
        self.assertEqual(status["check_status"]["command"], {"exit_code": 7})
        mark = f"sleep 98{self.port}"
        words = f"test -f {self.ok} || {mark}"
        hangs = {"type": "COMMAND", "command": {"command": {"value": words}}, **OFTEN}
        self.start("f", check={**hangs, "timeout_seconds": 0.5})
        status = self.framework.status("f", "TASK_RUNNING")
        self.assertEqual(status["check_status"]["command"], {"exit_code": 0})
        self.ok.unlink()
        status = self.framework.status("f", "TASK_RUNNING")
        self.assertEqual(status["check_status"].get("command", {}), {})
        self.ok.touch()
        status = self.framework.status("f", "TASK_RUNNING")
        self.assertEqual(status["check_status"]["command"], {"exit_code": 0})
        self.assertEqual([one for one in shared().processes() if mark in one], [])


class FrugalTests(Served):
    """Checks cost no process and no thread, and leave nothing behind."""

    def test_probes(self) -> None:
        """While HTTP and TCP checks are made nobody is born in the agent or its supervisor."""
        often = {**OFTEN, "interval_seconds": 0.1}
        tcp = {"type": "TCP", "tcp": {"port": self.port}, **often}
        self.serve("p", health_check={**self.http(), **often}, check=tcp)
        while "healthy" not in self.framework.status("p", "TASK_RUNNING"):
            pass
        agent = shared().pid_of("agent1")
        assert agent is not None
        before = shared().processes(), threads(agent)
        for _ in range(40):
            time.sleep(0.025)
            self.assertEqual((shared().processes(), threads(agent)), before)
        (sandbox,) = self.sandboxes("p")
        self.assertGreater((sandbox / "stderr").read_text().count("GET /ok"), 8)

    def test_commands(self) -> None:
        """What ran for a check is forgotten, and its output is nowhere."""
        check = {"type": "COMMAND", "command": {"command": {"value": "echo noise; exit 3"}}}
        self.start("q", "echo mine; exec sleep 3600", check={**check, **OFTEN})
        self.framework.status("q", "TASK_RUNNING")
        records = shared().directory / "work" / "agent1" / "meta" / "supervisor"
        few = len(list(records.rglob("*"))) + 3
        time.sleep(3.0)
        self.assertLessEqual(len(list(records.rglob("*"))), few)
        (sandbox,) = self.sandboxes("q")
        self.assertEqual(sorted(os.listdir(sandbox)), ["stderr", "stdout"])
        self.assertEqual((sandbox / "stdout").read_text(), "mine\n")


def threads(pid: int) -> int:
    """How many threads a process has."""
    return len(os.listdir(f"/proc/{pid}/task"))
