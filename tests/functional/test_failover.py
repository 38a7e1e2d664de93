"""Several masters, Marathons and Chronoses: whoever leads is killed, and all goes on."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import Any

from tests.functional.several import APP, Part, SeveralCase

#: Which Chronos leads.
LEADS = "/v1/scheduler/leader"
#: How many ask at once.
READERS = 20

MESOSTW = (sys.executable, "-m", "mesostw.cli", "--master")


def heard(link: socket.socket) -> bytes:
    """All that is said; who has ended may have left in the middle of it."""
    found = b""
    try:
        while more := link.recv(65_536):
            found += more
    except ConnectionResetError:
        pass
    return found


class FailoverTests(SeveralCase):
    """Three masters, two agents, two Marathons, two Chronoses, one ZooKeeper."""

    parts = (3, 2, 2, 2)

    def tasks(self) -> set[str]:
        """What the leading master says that runs."""
        return {
            task["id"]
            for framework in self.all.state()["frameworks"]
            for task in framework["tasks"]
            if task["state"] == "TASK_RUNNING"
        }

    def ids(self) -> set[str]:
        """Of the frameworks that are connected."""
        return {one["id"] for one in self.all.state()["frameworks"] if one["active"]}

    def of(self, daemons: list[Part], path: str = "/v2/leader") -> tuple[Part, Part]:
        """Who leads, and who does not."""
        leader = self.wait("a leader", lambda: self.all.leading(daemons, path))
        return leader, next(one for one in daemons if one is not leader)

    def test_everybody_that_leads_is_killed(self) -> None:
        """Masters redirect, frameworks relay; nothing is started twice, and ids stay."""
        for standby in self.all.masters:
            if standby is not self.leader:
                status, _, where = standby.ask("GET", "/state")
                self.assertEqual((status, where), (307, f"//{self.leader.address}/state"))
        marathon, waiting = self.of(self.all.marathons)
        self.assertEqual(waiting.ask("POST", "/v2/apps", APP)[0], 201)
        tasks = self.wait("the app", lambda: len(found := self.tasks()) == 3 and found)
        chronos, other = self.of(self.all.chronoses, LEADS)
        job = {"name": "tick", "command": "true", "schedule": "R/2020-01-01T00:00:00Z/PT1S"}
        self.assertEqual(other.ask("POST", "/v1/scheduler/iso8601", job)[0], 204)
        self.wait("a run", lambda: self.successes(other) > 0)
        ids = self.wait("both frameworks", lambda: len(found := self.ids()) == 2 and found)
        self.leader.kill()
        self.wait("all tasks at another master", lambda: tasks <= self.tasks())
        self.wait("the frameworks at it", lambda: self.ids() == ids)
        self.leader.start()
        marathon.kill()
        self.wait("the other Marathon", lambda: self.all.leading([waiting]))
        self.assertEqual({one["id"] for one in self.app(waiting)}, tasks)
        chronos.kill()
        self.wait("the other Chronos", lambda: self.all.leading([other], LEADS))
        before = self.successes(other)
        self.wait("further runs", lambda: self.successes(other) > before)
        self.wait("the frameworks' same ids", lambda: self.ids() == ids)
        self.assertLessEqual(tasks, self.tasks())
        self.assertEqual(len(self.app(waiting)), 3)

    def test_a_leader_that_was_stopped_and_goes_on(self) -> None:
        """A master that is woken after another leads ends, and is one that waits again."""
        self.leader.signal(signal.SIGSTOP)
        new = self.wait("another master", self._another)
        self.wait("both agents there", lambda: len(new.ask("GET", "/state")[1]["slaves"]) == 2)
        self.leader.signal(signal.SIGCONT)
        self.wait("the end of the old one", self.leader.ended)
        self.leader.start()
        self.wait("a redirection", lambda: self.leader.ask("GET", "/state")[0] == 307)
        self.assertEqual(len(new.ask("GET", "/state")[1]["slaves"]), 2)

    def test_what_a_stopped_leader_knows_is_not_told(self) -> None:
        """Who asked a Chronos while it stood still does not hear what was true before."""
        old, new = self.of(self.all.chronoses, LEADS)
        old.signal(signal.SIGSTOP)
        asked = [self._asking(old, "/v1/scheduler/jobs") for _ in range(READERS)]
        self.wait("the other Chronos", lambda: self.all.leading([new], LEADS))
        job = {"name": "late", "command": "true", "schedule": "R/2040-01-01T00:00:00Z/PT1S"}
        self.wait("a job", lambda: new.ask("POST", "/v1/scheduler/iso8601", job)[0] == 204)
        old.signal(signal.SIGCONT)
        told = [heard(link) for link in asked]
        self.assertEqual([one for one in told if b" 200 " in one and b"late" not in one], [])

    def _asking(self, part: Part, path: str) -> socket.socket:
        """A link with a request; the answer is for later."""
        host, _, port = part.address.rpartition(":")
        link = socket.create_connection((host, int(port)), 30)
        self.addCleanup(link.close)
        link.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return link

    def _another(self) -> Part | None:
        others = [one for one in self.all.masters if one is not self.leader]
        return next((one for one in others if one.ask("GET", "/state")[0] == 200), None)

    def test_an_operators_kill(self) -> None:
        """A task that is to end while its agent is away ends under whoever leads afterwards."""
        _, waiting = self.of(self.all.marathons)
        self.assertEqual(waiting.ask("POST", "/v2/apps", APP)[0], 201)
        tasks = self.wait("the app", lambda: len(found := self.tasks()) == 3 and found)
        (marathon,) = [one for one in self.all.state()["frameworks"] if one["name"] == "marathon"]
        doomed = marathon["tasks"][0]
        agent = self.agent_of(doomed["slave_id"])
        agent.kill()
        self.wait("one agent", lambda: len(self.active()) == 1)
        path = f"/api/v1/tasks/{marathon['id']}/{doomed['id']}/kill"
        self.assertEqual(self.leader.ask("POST", path)[0], 202)
        self.leader.kill()
        self.leader = self.wait("another master", self._another)
        agent.start()
        self.wait("both agents", lambda: len(self.active()) == 2)
        self.wait("its end, and another", lambda: self._without(doomed["id"]))
        self.assertEqual(len(self.tasks() & tasks), 2)

    def _without(self, task_id: str) -> bool:
        found = self.tasks()
        return task_id not in found and len(found) == 3

    def active(self) -> list[str]:
        """Agents that are there, by their ids."""
        return [one["id"] for one in self.all.state()["slaves"] if one["active"]]

    def agent_of(self, agent_id: str) -> Part:
        """The daemon of an agent."""
        (port,) = [one["port"] for one in self.all.state()["slaves"] if one["id"] == agent_id]
        return next(one for one in self.all.agents if one.address.endswith(f":{port}"))

    def test_command_line(self) -> None:
        """Commands find the leader in ZooKeeper; a run goes on when it is killed."""
        running = subprocess.Popen(
            [*MESOSTW, self.all.url, "run", "--instances", "4", "--cpus", "0.1", "--mem", "16",
             "--", "sleep 8"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.addCleanup(running.kill)
        self.wait("four tasks", lambda: len(self.tasks()) == 4)
        listed = subprocess.run(
            [*MESOSTW, self.all.url, "agents"], capture_output=True, text=True, check=False
        )
        self.assertEqual((listed.returncode, listed.stdout.count("active")), (0, 2))
        self.leader.kill()
        said, _ = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 0, said)
        self.assertIn("4 finished", said)

    def test_zookeeper_restarts(self) -> None:
        """While ZooKeeper is away nothing is decided; it comes back, and the same one leads."""
        self.all.zookeeper.kill()
        self.all.zookeeper.start()
        self.wait("the leader", lambda: self.leader.ask("GET", "/state")[0] == 200)
        self.wait("both agents", lambda: len(self.all.state()["slaves"]) == 2)

    def app(self, marathon: Part) -> list[dict[str, Any]]:
        """The app's tasks, as a Marathon tells."""
        found: list[dict[str, Any]] = marathon.ask("GET", "/v2/apps/app/tasks")[1]["tasks"]
        return found

    def successes(self, chronos: Part) -> int:
        """How often the job has succeeded."""
        status, jobs, _ = chronos.ask("GET", "/v1/scheduler/jobs")
        return int(jobs[0]["successCount"]) if status == 200 and jobs else 0
