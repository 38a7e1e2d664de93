"""Apps that are created: what runs, with what, and how they are read back."""

from __future__ import annotations

import http.server
import io
import tarfile
import threading
from functools import partial
from typing import Any

from tests.functional.clusters import wait_until
from tests.functional.marathon.cases import OnTown, add_case
from tests.functional.marathon.town import HOSTS


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


#: What clients that read strictly know of an app: no more may be there.
APP_KEYS = words(
    "id acceptedResourceRoles args backoffFactor backoffSeconds check cmd constraints "
    "container cpus dependencies disk env executor fetch gpus healthChecks instances "
    "ipAddress killSelection labels maxLaunchDelaySeconds mem networks portDefinitions "
    "ports readinessChecks requirePorts resourceLimits role secrets storeUrls "
    "taskKillGracePeriodSeconds tty unreachableStrategy upgradeStrategy uris user version "
    "versionInfo tasksStaged tasksRunning tasksHealthy tasksUnhealthy deployments tasks "
    "lastTaskFailure readinessCheckResults taskStats tasksStats"
)
#: What each app has, whatever it was created with.
ALWAYS = words(
    "id backoffFactor backoffSeconds cpus disk executor instances maxLaunchDelaySeconds "
    "mem gpus networks requirePorts upgradeStrategy version versionInfo killSelection "
    "unreachableStrategy role tasksStaged tasksRunning tasksHealthy tasksUnhealthy "
    "deployments tasks"
)
TASK_KEYS = words(
    "appId healthCheckResults checkResult host id ipAddresses ports servicePorts slaveId "
    "state stagedAt startedAt version localVolumes region zone role"
)


class CreateTests(OnTown):
    """POST /v2/apps."""

    def test_runs(self) -> None:
        """What is asked for is answered with 201, a deployment and zeros, and then runs."""
        document = self.app(instances=3)
        app = self.created(document)
        self.assertEqual(self.marathon.headers["location"], f"/v2/apps{document['id']}")
        counts = [app[f"tasks{name}"] for name in ("Staged", "Running", "Healthy", "Unhealthy")]
        self.assertEqual(counts, [0, 0, 0, 0])
        (deployment,) = app["deployments"]
        self.deployed(deployment["id"])
        tasks = self.running(document["id"], 3)
        self.assertEqual({one["appId"] for one in tasks}, {document["id"]})
        self.assertEqual({one["version"] for one in tasks}, {app["version"]})
        self.assertLessEqual({one["host"] for one in tasks}, set(HOSTS))
        shown = self.shown(document["id"])
        self.assertEqual((shown["tasksRunning"], shown["deployments"]), (3, []))

    def test_exists(self) -> None:
        """A second app of one id is refused, and not as a lock, which clients would override."""
        document = self.app(instances=0)
        self.created(document)
        told = self.refused(409, "POST", "/v2/apps", document)
        self.assertEqual(told, {"message": f"An app with id [{document['id']}] already exists."})

    def test_suspended(self) -> None:
        """No instance is wanted: the deployment ends, and nothing waits."""
        document = self.app(instances=0)
        self.assertEqual(self.started(document), [])
        queue = self.done("GET", "/v2/queue")["queue"]
        self.assertNotIn(document["id"], [one["app"]["id"] for one in queue])

    def test_relative_id(self) -> None:
        """An id without a slash in front is below the root; empty parts are none."""
        name = self.group.removeprefix("/")
        app = self.created(self.app(instances=0, id=f"{name}//app"))
        self.assertEqual(app["id"], f"{self.group}/app")

    def test_defaults(self) -> None:
        """What is left out has the documented defaults."""
        app = self.created({"id": f"{self.group}/app", "cmd": "true", "instances": 0})
        wanted = {
            "cpus": 1,
            "mem": 128,
            "disk": 0,
            "gpus": 0,
            "backoffSeconds": 1,
            "backoffFactor": 1.15,
            "maxLaunchDelaySeconds": 300,
            "killSelection": "YOUNGEST_FIRST",
            "requirePorts": False,
            "role": "*",
            "executor": "",
            "networks": [{"mode": "host"}],
            "upgradeStrategy": {"minimumHealthCapacity": 1, "maximumOverCapacity": 1},
            "unreachableStrategy": {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0},
        }
        self.assertEqual({name: app[name] for name in wanted}, wanted)

    def test_not_json(self) -> None:
        """A body that cannot be read is the client's fault."""
        status, told = self.ask("POST", "/v2/apps", b'{"id": "/x",')
        self.assertEqual((status, told["message"]), (400, "Invalid JSON"))
        self.assertIsInstance(told["details"], str)

    def test_wrong_type(self) -> None:
        """The path of a field of a wrong type is told."""
        told = self.refused(422, "POST", "/v2/apps", self.app(cpus="many"))
        self.assertEqual(told["message"], "Invalid JSON")
        (fault,) = told["details"]
        self.assertEqual((fault["path"], fault["errors"]), ("/cpus", ["error.expected.jsnumber"]))

    def test_out_of_range(self) -> None:
        """So is the path of a number that is too high."""
        document = self.app(
            upgradeStrategy={"minimumHealthCapacity": 1.5, "maximumOverCapacity": 0}
        )
        told = self.refused(422, "POST", "/v2/apps", document)
        (fault,) = told["details"]
        self.assertEqual(fault["path"], "/upgradeStrategy/minimumHealthCapacity")


def _refuse(path: str, fields: dict[str, Any], tests: OnTown) -> None:
    told = tests.refused(422, "POST", "/v2/apps", tests.app(**fields))
    tests.assertEqual(told["message"], "Object is not valid")
    tests.assertIn(path, [fault["path"] for fault in told["details"]])
    tests.assertEqual(tests.ask("GET", f"/v2/apps{tests.group}/app").status, 404)


class RefusedTests(OnTown):
    """Definitions that break a rule: 422 with the path, and nothing is created."""


_BROKEN: list[tuple[str, str, dict[str, Any]]] = [
    ("command_twice", "/", {"args": ["true"]}),
    ("operator", "/constraints(0)", {"constraints": [["hostname", "NEAR", "x"]]}),
    ("unique_with_value", "/constraints(0)", {"constraints": [["hostname", "UNIQUE", "x"]]}),
    ("bad_regex", "/constraints(0)", {"constraints": [["hostname", "LIKE", "("]]}),
    ("port_index", "/healthChecks(0)", {"healthChecks": [{"protocol": "TCP", "portIndex": 7}]}),
    ("port_twice", "/portDefinitions", {"portDefinitions": [{"port": 10_001}, {"port": 10_001}]}),
]
for _name, _path, _fields in _BROKEN:
    add_case(
        RefusedTests,
        _name,
        f"{_fields} is refused at {_path}.",
        partial(_refuse, _path, _fields),
    )


class ProgramTests(OnTown):
    """What a task is started with."""

    def test_args(self) -> None:
        """Arguments are not read by a shell."""
        script = 'echo "$1"; exec sleep 3600'
        document = self.app(args=["/bin/sh", "-c", script, "sh", "$HOME * 'x'"])
        del document["cmd"]
        (task,) = self.started(document)
        self.assertEqual(self.output(task), ["$HOME * 'x'"])

    def test_environment(self) -> None:
        """A task knows its app, its resources, its host, its ports, and what the user wants."""
        document = self.app(
            cmd="env; exec sleep 3600",
            env={"COLOUR": "blue", "HOST": "mine"},
            labels={"tier": "front end"},
            portDefinitions=[{"port": 0, "name": "web"}, {"port": 0}],
        )
        (task,) = self.started(document)
        lines = dict(line.split("=", 1) for line in self.output(task) if "=" in line)
        first, second = (str(port) for port in task["ports"])
        wanted = {
            "COLOUR": "blue",
            "HOST": "mine",
            "PORT": first,
            "PORT0": first,
            "PORT1": second,
            "PORTS": f"{first},{second}",
            "PORT_WEB": first,
            "MESOS_TASK_ID": task["id"],
            "MARATHON_APP_ID": document["id"],
            "MARATHON_APP_VERSION": task["version"],
            "MARATHON_APP_RESOURCE_CPUS": "0.01",
            "MARATHON_APP_RESOURCE_MEM": "8.0",
            "MARATHON_APP_LABELS": "TIER",
            "MARATHON_APP_LABEL_TIER": "front end",
        }
        self.assertEqual({name: lines.get(name) for name in wanted}, wanted)

    def test_host(self) -> None:
        """HOST is the agent's hostname."""
        (task,) = self.started(self.app(cmd='echo "$HOST"; exec sleep 3600'))
        self.assertEqual(self.output(task), [task["host"]])

    def test_master_shows(self) -> None:
        """The master shows the task under its path turned round, with labels and ports."""
        document = self.app("web", labels={"a": "b"}, portDefinitions=[{"port": 0, "name": "http"}])
        (task,) = self.started(document)
        shown = self.marathon_task(task["id"])
        self.assertEqual(shown["name"], f"web.{self.group[1:]}")
        self.assertIn({"key": "a", "value": "b"}, shown["labels"])
        (port,) = shown["discovery"]["ports"]["ports"]
        self.assertEqual((port["number"], port["name"]), (task["ports"][0], "http"))

    def marathon_task(self, task_id: str) -> dict[str, Any]:
        """A task as the master shows it."""
        master = type(self.marathon)(self.town.master)
        tasks = master.ask("GET", f"/tasks?task_id={task_id}").body["tasks"]
        found: dict[str, Any] = next(one for one in tasks if one["id"] == task_id)
        return found

    def test_role(self) -> None:
        """An app may have the name of its top-level group as role: the master knows it so."""
        role = self.group.removeprefix("/")
        (task,) = self.started(self.app(role=role))
        self.assertEqual(task["role"], role)
        self.assertEqual(self.marathon_task(task["id"])["role"], role)

    def test_fetch_file(self) -> None:
        """A file is brought into the sandbox before the command starts."""
        file = self.directory() / "greeting.txt"
        file.write_text("good morning\n")
        words = "cat greeting.txt; exec sleep 3600"
        (task,) = self.started(self.app(cmd=words, fetch=[{"uri": f"file://{file}"}]))
        self.assertEqual(self.output(task), ["good morning"])

    def test_fetch_archive(self) -> None:
        """An archive that is served over HTTP is unpacked."""
        directory = self.directory()
        with tarfile.open(directory / "things.tar.gz", "w:gz") as archive:
            inside = tarfile.TarInfo("things/inside.txt")
            inside.size = 4
            archive.addfile(inside, io.BytesIO(b"deep"))
        served = partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), served) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.shutdown)
            uri = f"http://127.0.0.1:{server.server_address[1]}/things.tar.gz"
            words = "cat things/inside.txt; exec sleep 3600"
            (task,) = self.started(self.app(cmd=words, fetch=[{"uri": uri}]))
            self.assertEqual(self.output(task), ["deep"])

    def test_fetch_missing(self) -> None:
        """What cannot be fetched is a failure that says so."""
        document = self.app(fetch=[{"uri": "file:///not/there"}], backoffSeconds=60)
        self.created(document)
        failure = wait_until(
            "the failure", lambda: self.shown(document["id"]).get("lastTaskFailure")
        )
        self.assertEqual(failure["state"], "TASK_FAILED")
        self.assertIn("/not/there", failure["message"])


class PortTests(OnTown):
    """Host ports and service ports."""

    def test_dynamic(self) -> None:
        """Each task gets ports of its own from its agent, each app service ports of its own."""
        document = self.app(instances=3, portDefinitions=[{"port": 0}, {"port": 0}])
        tasks = self.started(document)
        pairs = [(one["host"], port) for one in tasks for port in one["ports"]]
        self.assertEqual(len(set(pairs)), 6)
        ports = [one["port"] for one in self.shown(document["id"])["portDefinitions"]]
        self.assertEqual(len(set(ports)), 2)
        self.assertTrue(all(10_000 <= one < 20_000 for one in ports), ports)
        listed = self.done("GET", "/v2/tasks")["tasks"]
        (first,) = [one for one in listed if one["id"] == tasks[0]["id"]]
        self.assertEqual(first["servicePorts"], ports)

    def test_service_port(self) -> None:
        """A number without requirePorts is a service port; the host's is another."""
        document = self.app(portDefinitions=[{"port": 14_321}])
        (task,) = self.started(document)
        self.assertNotEqual(task["ports"], [14_321])
        (shown,) = self.shown(document["id"])["portDefinitions"]
        self.assertEqual(shown["port"], 14_321)

    def test_required(self) -> None:
        """With requirePorts the host's port is the one that is named."""
        (probe,) = self.started(self.app("probe", portDefinitions=[{"port": 0}]))
        (port,) = probe["ports"]
        self.changed("DELETE", f"/v2/apps{self.group}/probe")
        document = self.app(requirePorts=True, portDefinitions=[{"port": port}])
        (task,) = self.started(document)
        self.assertEqual((task["host"], task["ports"]), (probe["host"], [port]))

    def test_required_taken(self) -> None:
        """A required port is there once: the second instance waits for it."""
        (probe,) = self.started(self.app("probe", portDefinitions=[{"port": 0}]))
        document = self.app(requirePorts=True, portDefinitions=[{"port": probe["ports"][0]}])
        self.created(document)
        entry = self.waits(document["id"])
        reasons = {one for offer in entry["lastUnusedOffers"] for one in offer["reason"]}
        self.assertIn("InsufficientPorts", reasons)
        self.done("DELETE", f"/v2/apps{self.group}/probe")
        self.running(document["id"], 1)


class ReadTests(OnTown):
    """Reading apps back."""

    def test_strict_keys(self) -> None:
        """No key is there that clients do not know, and all that they rely on are."""
        document = self.app(
            labels={"a": "b"},
            env={"A": "1"},
            constraints=[["hostname", "LIKE", ".*"]],
            healthChecks=[{"protocol": "COMMAND", "command": {"value": "true"}}],
            portDefinitions=[{"port": 0}],
        )
        self.started(document)
        app = self.shown(document["id"])
        self.assertEqual(set(app) - APP_KEYS, set())
        self.assertEqual(ALWAYS - set(app), set())
        self.assertEqual(set(app["tasks"][0]) - TASK_KEYS, set())

    def test_unknown(self) -> None:
        """An app that is not there is named in the answer."""
        told = self.refused(404, "GET", f"/v2/apps{self.group}/none")
        self.assertEqual(told, {"message": f"App '{self.group}/none' does not exist"})

    def test_slashes(self) -> None:
        """Doubled and trailing slashes lead to the same app."""
        self.created(self.app(instances=0))
        for path in (f"/v2/apps/{self.group}/app", f"/v2/apps{self.group}//app/"):
            self.assertEqual(self.done("GET", path)["app"]["id"], f"{self.group}/app")

    def test_star(self) -> None:
        """``GROUP/*`` lists the apps of a group and below."""
        for name in ("a", "deep/b"):
            self.created(self.app(name, instances=0))
        found = self.done("GET", f"/v2/apps{self.group}/*")["*"]
        ids = sorted(one["id"] for one in found)
        self.assertEqual(ids, [f"{self.group}/a", f"{self.group}/deep/b"])

    def test_embed(self) -> None:
        """Tasks are in the list only when they are asked for."""
        document = self.app()
        self.started(document)
        path = f"/v2/apps?id={document['id']}"
        (plain,) = self.done("GET", path)["apps"]
        self.assertNotIn("tasks", plain)
        (full,) = self.done("GET", f"{path}&embed=apps.tasks")["apps"]
        self.assertEqual(len(full["tasks"]), 1)

    def test_task_stats(self) -> None:
        """Counts and life times by class of version."""
        document = self.app(instances=2)
        self.started(document)
        path = f"/v2/apps{document['id']}?embed=app.taskStats"
        app = self.done("GET", path)["app"]
        stats = app.get("taskStats") or app["tasksStats"]
        self.assertEqual(stats["totalSummary"]["stats"]["counts"]["running"], 2)
        self.assertEqual(stats["withLatestConfig"]["stats"]["counts"]["running"], 2)
        self.assertNotIn("withOutdatedConfig", stats)
        self.assertGreaterEqual(stats["totalSummary"]["stats"]["lifeTime"]["averageSeconds"], 0)

    def test_filter_by_command(self) -> None:
        """``cmd`` is a part of the command, in any case."""
        self.created(self.app("a", cmd="run SpecialThing now", instances=0))
        self.created(self.app("b", instances=0))
        found = self.done("GET", f"/v2/apps?cmd=specialthing&id={self.group}")["apps"]
        self.assertEqual([one["id"] for one in found], [f"{self.group}/a"])


def _select(selector: str, wanted: str, tests: OnTown) -> None:
    for name, labels in {
        "a": {"env": "test", "tier": "web"},
        "b": {"env": "production", "tier": "web"},
        "c": {"tier": "db"},
    }.items():
        tests.created(tests.app(name, labels=labels, instances=0))
    path = f"/v2/apps?id={tests.group}&label={selector.replace(' ', '%20')}"
    found = "".join(sorted(one["id"][-1] for one in tests.done("GET", path)["apps"]))
    tests.assertEqual(found, wanted)


class SelectorTests(OnTown):
    """Label selectors."""


for _name, _selector, _wanted in [
    ("exists", "env", "ab"),
    ("equal", "env==test", "a"),
    ("unequal", "env!=test", "b"),
    ("among", "env in (test, production)", "ab"),
    ("not_among", "tier notin (web)", "c"),
    ("both", "env==test,tier==web", "a"),
]:
    add_case(
        SelectorTests,
        _name,
        f"Of three apps {_selector!r} selects {_wanted}.",
        partial(_select, _selector, _wanted),
    )


class BadSelectorTests(OnTown):
    """A selector that cannot be read."""

    def test_syntax(self) -> None:
        """It is refused, not ignored."""
        self.refused(422, "GET", "/v2/apps?label=a%20near%20b")
