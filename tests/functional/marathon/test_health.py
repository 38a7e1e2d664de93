"""Health and readiness of apps: what counts as healthy, who is killed, what deployments await."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.functional.clusters import wait_until
from tests.functional.marathon.cases import OnTown, add_case

#: Each check looks this often, so that no test waits for one.
OFTEN: Final = {"intervalSeconds": 1, "timeoutSeconds": 5, "gracePeriodSeconds": 60}
#: Its failures count from the beginning, and kill nobody.
HARMLESS: Final[dict[str, Any]] = {"gracePeriodSeconds": 0, "maxConsecutiveFailures": 0}
#: A TLS server with a certificate that nobody vouches for.
TLS = """
import http.server, os, ssl
server = http.server.ThreadingHTTPServer(
    ("", int(os.environ["PORT0"])), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("both.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


class HealthCase(OnTown):
    """Apps that serve a directory, and are healthy as long as ``ok`` is in it."""

    def setUp(self) -> None:
        super().setUp()
        self.served = self.directory()
        self.ok = self.served / "ok"
        self.ok.touch()

    def check(self, protocol: str = "HTTP", **fields: object) -> dict[str, Any]:
        """A check of the served file."""
        check: dict[str, Any] = {"protocol": protocol, **OFTEN, **fields}
        if protocol.startswith("MESOS") or protocol == "COMMAND":
            check["delaySeconds"] = 0
        if "HTTP" in protocol:
            check.setdefault("path", "/ok")
        if protocol == "COMMAND":
            check.setdefault("command", {"value": f"test -e {self.ok}"})
        return check

    def healthy(self, app_id: str, wanted: int) -> list[dict[str, Any]]:
        """Wait until so many tasks are healthy, and no other is there."""

        def all_healthy() -> list[dict[str, Any]] | None:
            app = self.shown(app_id)
            tasks: list[dict[str, Any]] = app["tasks"]
            return tasks if app["tasksHealthy"] == len(tasks) == wanted else None

        found: list[dict[str, Any]] = wait_until(f"{wanted} healthy of {app_id}", all_healthy)
        return found


def _kind(protocol: str, tests: HealthTests) -> None:
    if protocol.endswith("HTTPS"):
        document = tests.app(cmd=f"exec {sys.executable} tls.py", fetch=tests.tls())
    else:
        document = tests.server(tests.served)
    document["healthChecks"] = [tests.check(protocol)]
    tests.started(document)
    (task,) = tests.healthy(document["id"], 1)
    (result,) = task["healthCheckResults"]
    tests.assertTrue(result["alive"])
    tests.assertEqual(result["consecutiveFailures"], 0)
    tests.assertIn(result["instanceId"], task["id"])


class HealthTests(HealthCase):
    """Health checks by Marathon and by agents."""

    def tls(self) -> list[dict[str, str]]:
        """What a TLS server is made of, to be fetched."""
        both, key = self.served / "both.pem", self.served / "key.pem"
        words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
        subprocess.run([*words, "-keyout", key, "-out", both], check=True, capture_output=True)
        both.write_text(both.read_text() + key.read_text())
        (self.served / "tls.py").write_text(TLS)
        return [{"uri": f"file://{self.served / name}"} for name in ("tls.py", "both.pem", "ok")]

    def test_deployment_waits(self) -> None:
        """An app that runs and is not healthy is not deployed; once it is, it is."""
        self.ok.unlink()
        document = self.server(self.served, healthChecks=[self.check(**HARMLESS)])
        deployment = self.created(document)["deployments"][0]["id"]
        wait_until("a failure", lambda: self.shown(document["id"])["tasksUnhealthy"] == 1)
        self.assertIn(deployment, self.deployments())
        self.ok.touch()
        self.deployed(deployment)
        self.healthy(document["id"], 1)

    def test_unknown_at_first(self) -> None:
        """Without a result a task is neither healthy nor unhealthy."""
        check = self.check("COMMAND", intervalSeconds=3600) | {"delaySeconds": 3600}
        document = self.app(healthChecks=[check])
        self.created(document)
        self.running(document["id"], 1)
        app = self.shown(document["id"])
        self.assertEqual((app["tasksHealthy"], app["tasksUnhealthy"]), (0, 0))
        self.assertEqual(app["tasks"][0].get("healthCheckResults", []), [])

    def test_grace(self) -> None:
        """Failures in the grace period kill nobody, however many."""
        self.ok.unlink()
        check = self.check(maxConsecutiveFailures=1)
        document = self.server(self.served, healthChecks=[check])
        self.created(document)
        (before,) = self.running(document["id"], 1)
        wait_until(
            "failures", lambda: self.town.output_of(before["id"], "stderr").count('" 404 -') > 3
        )
        self.assertEqual(self.shown(document["id"])["tasksUnhealthy"], 0)
        self.assertEqual(self.task_ids(document["id"]), {before["id"]})

    def test_never_killed(self) -> None:
        """With 0 as maxConsecutiveFailures failures are shown, and nobody is killed."""
        check = self.check(**HARMLESS)
        document = self.server(self.served, healthChecks=[check])
        before = {one["id"] for one in self.started(document)}
        self.healthy(document["id"], 1)
        self.ok.unlink()

        def failed_often() -> bool:
            (task,) = self.tasks(document["id"])
            return bool(task["healthCheckResults"][0]["consecutiveFailures"] >= 3)

        wait_until("several failures", failed_often)
        self.assertEqual(self.task_ids(document["id"]), before)
        self.assertEqual(self.shown(document["id"])["tasksUnhealthy"], 1)

    def test_several(self) -> None:
        """With several checks only one that passes all of them is healthy."""
        other = self.served / "other"
        checks = [
            self.check(**HARMLESS),
            self.check(path="/other", **HARMLESS),
            self.check("TCP", **HARMLESS),
        ]
        document = self.server(self.served, healthChecks=checks)
        app = self.created(document)

        def all_told() -> dict[str, Any] | None:
            tasks = self.tasks(document["id"])
            found: dict[str, Any] | None = tasks[0] if tasks else None
            return found if found and len(found.get("healthCheckResults", [])) == 3 else None

        task = wait_until("three results", all_told)
        self.assertIn(False, [one["alive"] for one in task["healthCheckResults"]])
        self.assertEqual(self.shown(document["id"])["tasksHealthy"], 0)
        other.touch()
        self.healthy(document["id"], 1)
        self.deployed(app["deployments"][0]["id"])


def _replaced(protocol: str, tests: HealthTests) -> None:
    check = tests.check(protocol, maxConsecutiveFailures=1, gracePeriodSeconds=3)
    document = tests.server(tests.served, healthChecks=[check])
    (before,) = tests.started(document)
    tests.healthy(document["id"], 1)
    events = tests.listen()
    tests.ok.unlink()
    wait_until("its end", lambda: before["id"] not in tests.task_ids(document["id"]))
    tests.ok.touch()
    (after,) = tests.healthy(document["id"], 1)
    tests.assertNotEqual(after["id"], before["id"])
    failure = tests.shown(document["id"])["lastTaskFailure"]
    tests.assertEqual((failure["taskId"], failure["state"]), (before["id"], "TASK_KILLED"))
    if protocol == "HTTP":
        killed = events.wait("unhealthy_instance_kill_event", appId=document["id"])
        tests.assertEqual(killed["taskId"], before["id"])
        moved = events.wait("health_status_changed_event", appId=document["id"], alive=False)
        tests.assertIn(moved["instanceId"], before["id"])


for _protocol in ("HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"):
    add_case(
        HealthTests,
        f"kind_{_protocol.lower()}",
        f"A task that passes a {_protocol} check is healthy.",
        partial(_kind, _protocol),
    )
for _protocol in ("HTTP", "COMMAND", "MESOS_HTTP"):
    add_case(
        HealthTests,
        f"replaced_{_protocol.lower()}",
        f"A task that fails its {_protocol} check too often is killed, and another one comes.",
        partial(_replaced, _protocol),
    )


class ReadinessTests(HealthCase):
    """Readiness checks: only in deployments, and only once."""

    def document(self, **fields: Any) -> dict[str, Any]:
        """An app that is ready as long as ``ok`` is there."""
        ready = {
            "name": "file",
            "protocol": "HTTP",
            "path": "/ok",
            "portName": "web",
            "intervalSeconds": 2,
            "timeoutSeconds": 1,
            "preserveLastResponse": True,
        }
        return self.server(
            self.served,
            portDefinitions=[{"port": 0, "name": "web"}],
            readinessChecks=[ready],
            **fields,
        )

    def test_gate(self) -> None:
        """A deployment awaits that its instances are ready, and shows what they answered."""
        self.ok.unlink()
        document = self.document()
        deployment = self.created(document)["deployments"][0]["id"]

        def answered() -> dict[str, Any] | None:
            (current,) = self.deployments()[deployment]["currentActions"]
            for one in current.get("readinessCheckResults", []):
                if "lastResponse" in one:
                    found: dict[str, Any] = one
                    return found
            return None

        result = wait_until("an answer", answered)
        self.assertEqual((result["ready"], result["name"]), (False, "file"))
        self.assertEqual(result["lastResponse"]["status"], 404)
        self.assertEqual([one["id"] for one in self.running(document["id"], 1)], [result["taskId"]])
        self.ok.touch()
        self.deployed(deployment)

    def test_old_ones_stay(self) -> None:
        """Old instances are killed only when new ones are ready."""
        document = self.document(
            upgradeStrategy={"minimumHealthCapacity": 1, "maximumOverCapacity": 1}
        )
        (old,) = self.started(document)
        self.ok.unlink()
        result = self.done("PUT", f"/v2/apps{document['id']}", {"env": {"V": "2"}})
        self.running(document["id"], 2)
        self.assertIn(result["deploymentId"], self.deployments())
        self.assertIn(old["id"], self.task_ids(document["id"]))
        self.ok.touch()
        self.deployed(result["deploymentId"])
        (new,) = self.running(document["id"], 1)
        self.assertNotEqual(new["id"], old["id"])


class CapacityTests(HealthCase):
    """Upgrades of apps with checks."""

    def test_upgrade(self) -> None:
        """Asked from outside all the time, as many answer as the strategy promises, or more."""
        document = self.server(self.served, instances=3, healthChecks=[self.check()])
        document["upgradeStrategy"] = {"minimumHealthCapacity": 0.6, "maximumOverCapacity": 0.4}
        self.started(document)
        result = self.done("PUT", f"/v2/apps{document['id']}", {"env": {"V": "2"}})
        counts = []
        while result["deploymentId"] in self.deployments():
            tasks = self.tasks(document["id"])
            counts.append((sum(self.answers(one) for one in tasks), len(tasks)))
        # Two of three are 60 %, rounded up; four are 140 %, rounded down.
        self.assertGreaterEqual(min(up for up, _ in counts), 2, counts)
        self.assertLessEqual(max(there for _, there in counts), 4, counts)
        tasks = self.healthy(document["id"], 3)
        self.assertEqual({one["version"] for one in tasks}, {result["version"]})

    def answers(self, task: dict[str, Any]) -> bool:
        """Whether the task's server gives its file."""
        try:
            one = type(self.marathon)(f"{task['host']}:{task['ports'][0]}")
            return one.ask("GET", "/ok").status == 200
        except (OSError, IndexError):
            return False

    def test_broken_version(self) -> None:
        """A version that is never healthy takes nobody's place, and is rolled back."""
        document = self.server(self.served, instances=2, healthChecks=[self.check()])
        old = {one["id"] for one in self.started(document)}
        broken = {"cmd": "exec sleep 3600"}
        stuck = self.done("PUT", f"/v2/apps{document['id']}", broken)["deploymentId"]
        self.running(document["id"], 4)
        self.assertLess(old, self.task_ids(document["id"]))
        self.changed("DELETE", f"/v2/deployments/{stuck}")
        self.assertEqual({one["id"] for one in self.healthy(document["id"], 2)}, old)


class ServedTests(HealthCase):
    """What the tests here rely on."""

    def test_served(self) -> None:
        """The directory is served on the task's port, at its host."""
        Path(self.served / "page").write_text("here")
        (task,) = self.started(self.server(self.served, healthChecks=[self.check()]))
        served = type(self.marathon)(f"{task['host']}:{task['ports'][0]}")
        self.assertEqual(served.ask("GET", "/page").body, "here")
