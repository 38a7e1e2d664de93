"""A master that waits is read: its copy is the leader's state, and outlives it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from typing import Any

from tests.functional.several import APP, SESSION_S, Part, SeveralCase

#: Readers at once, and how often each reads.
READERS, READS = 20, 10


def read(part: Part, path: str, **headers: str) -> tuple[int, Any, dict[str, str]]:
    """Status, answer and headers, where no redirection is wanted."""
    request = urllib.request.Request(f"http://{part.address}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            told = answer.read()
            return answer.status, json.loads(told) if told else None, dict(answer.headers)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read() or b"null"), dict(refused.headers)
    except OSError:
        return 0, None, {}


class StandbyTests(SeveralCase):
    """Two masters, two agents, a Marathon with an app."""

    parts = (2, 2, 1)

    def copy(self) -> Any:
        """The copy's state; what is of the moment is left out."""
        status, told, headers = read(self.standby, "/state?standby_reads=true")
        return still(told) if status == 200 and "X-Mesos-Standby" in headers else None

    def running(self, state: Any) -> int:
        """How many tasks run."""
        return sum(
            task["state"] == "TASK_RUNNING"
            for framework in state["frameworks"]
            for task in framework["tasks"]
        )

    def test_reads(self) -> None:
        """The copy is the leader's state; many readers cost it one link; it outlives it."""
        marathon = self.all.marathons[0]
        self.wait("Marathon", lambda: self.all.leading([marathon]))
        self.assertEqual(marathon.ask("POST", "/v2/apps", APP)[0], 201)
        self.wait("three tasks", lambda: self.running(self.all.state()) == 3)
        self.wait("the same at the standby", lambda: self.copy() == still(self.all.state()))
        self.check_redirections()
        self.check_readers()
        self.check_the_dashboards_own()
        status, ready, _ = read(self.standby, "/health/ready")
        self.assertEqual((status, ready["status"]), (200, "following"))
        self.assertEqual((ready["copy_of"], ready["session"]), (self.leader.address, "connected"))
        self.assertEqual(read(self.standby, "/health/leader")[0], 503)
        self.assertEqual(read(self.leader, "/health/leader")[1]["status"], "leading")
        before = self.copy()
        # The one that waits comes to lead only when the leader's session has ended.
        self.leader.kill()
        _, told, headers = read(self.standby, "/state?standby_reads=true")
        if headers.get("X-Mesos-Standby"):
            self.assertEqual(still(told)["slaves"], before["slaves"])
        self.wait("the standby leads", lambda: read(self.standby, "/health/leader")[0] == 200)
        self.wait("the tasks there", lambda: self.running(self.all.state()) == 3)
        self.assertNotIn("X-Mesos-Standby", read(self.standby, "/state")[2])

    def check_redirections(self) -> None:
        """Who does not ask for the copy is sent to the leader, as ever."""
        for path in ("/state", "/slaves", "/tasks", "/master/frameworks", "/roles"):
            status, _, where = self.standby.ask("GET", path)
            self.assertEqual((status, where), (307, f"//{self.leader.address}{path}"))
        for path in ("/api/v1/scheduler", "/teardown", "/api/v1"):
            self.assertEqual(self.standby.ask("POST", path, {})[0], 307)
        snapshot = read(self.standby, "/api/v1/snapshot/cluster")[1]["cols"]
        self.assertEqual(snapshot["leader"], [self.leader.address])
        self.assertEqual(snapshot["copied_by"], [self.standby.address])
        self.assertEqual((snapshot["copied_at"], snapshot["agents_active"]), ([0.0], [2]))

    def check_the_dashboards_own(self) -> None:
        """A page here reaches Marathon, the leader's words, and what the leader does."""
        self.assertEqual(len(read(self.standby, "/marathon/v2/apps")[1]["apps"]), 1)
        framework = self.all.state()["frameworks"][0]
        task = f"{framework['id']}/{framework['tasks'][0]['id']}"
        status, why, _ = read(self.standby, f"/api/v1/why/task/{task}")
        self.assertEqual((status, why), (200, read(self.leader, f"/api/v1/why/task/{task}")[1]))
        agent = framework["tasks"][0]["slave_id"]
        sandbox = self.sandbox(agent)
        path = f"/api/v1/agents/{agent}/files/browse?path={sandbox}"
        self.assertEqual(read(self.standby, path)[:2], read(self.leader, path)[:2])
        self.assertEqual(read(self.standby, path)[0], 200)
        self.assertEqual(self.standby.ask("POST", f"/api/v1/tasks/{task}/kill", {})[0], 202)
        name = framework["tasks"][0]["id"]
        self.wait("another instead", lambda: name not in self.names() and len(self.names()) == 3)

    def sandbox(self, agent: str) -> str:
        """Of an executor there."""
        states = [one.ask("GET", "/state")[1] for one in self.all.agents]
        (state,) = [one for one in states if one["id"] == agent]
        return str(state["frameworks"][0]["executors"][0]["directory"])

    def names(self) -> set[str]:
        """What runs, as the copy tells."""
        return {
            task["id"]
            for framework in (self.copy() or {"frameworks": ()})["frameworks"]
            for task in framework["tasks"]
            if task["state"] == "TASK_RUNNING"
        }

    def check_readers(self) -> None:
        """Twenty readers at the standby cost the leader one link and no request."""
        statuses: list[int] = []

        def some() -> None:
            for _ in range(READS):
                statuses.append(read(self.standby, "/state?standby_reads=true")[0])

        readers = [threading.Thread(target=some) for _ in range(READERS)]
        for one in readers:
            one.start()
        for one in readers:
            one.join()
        self.assertEqual(statuses, [200] * (READERS * READS))
        metrics = read(self.leader, "/metrics/snapshot")[1]
        self.assertEqual(
            (metrics["followers/connected"], metrics["followers/copies_total"]), (1, 1)
        )

    def test_nobody_leads(self) -> None:
        """ZooKeeper and the leader are gone, for longer than a session: the copy stays readable."""
        self.wait(
            "both agents in the copy", lambda: len((self.copy() or {"slaves": ()})["slaves"]) == 2
        )
        self.all.zookeeper.kill()
        self.leader.kill()
        stale = self.wait("a copy that is marked", self._stale)
        self.assertEqual(len(stale["slaves"]), 2)
        status, told, _ = read(self.standby, "/health/ready")
        self.assertEqual((status, told["status"]), (503, "stale"))
        self.assertEqual(self.standby.ask("GET", "/health")[0], 200)
        cluster = read(self.standby, "/api/v1/snapshot/cluster")[1]["cols"]
        self.assertGreater(cluster["copied_at"][0], 0)
        self.wait("more than a session", lambda: self._lag_s() > 2 * SESSION_S + 4)
        self.assertEqual(len(self.copy()["slaves"]), 2)
        self.all.zookeeper.start()
        self.wait("it leads", lambda: read(self.standby, "/health/leader")[0] == 200)
        self.assertFalse(self.standby.ended())

    def _lag_s(self) -> float:
        headers = read(self.standby, "/state?standby_reads=true")[2]
        return float(headers.get("X-Mesos-Standby-Lag-Seconds", 0))

    def _stale(self) -> Any:
        _, told, headers = read(self.standby, "/state?standby_reads=true")
        lag_s = float(headers.get("X-Mesos-Standby-Lag-Seconds", 0))
        return told if headers.get("X-Mesos-Standby") == "stale" and lag_s > 5 else None


def still(state: Any) -> Any:
    """A state without offers, which come and go, and what is held by them."""
    for framework in state["frameworks"]:
        for name in ("offers", "offered_resources", "resources"):
            framework.pop(name, None)
    for agent in state["slaves"]:
        agent.pop("offered_resources", None)
        agent.pop("offered_resources_full", None)
    return state
