"""Chronos' APIs over its real core: clients read what they wrote, and bad input changes nothing."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from mesostw.messages import TaskState
from tests.http.chronos.living import LivingWorld

V2, V3, OWN = "/scheduler", "/v1/scheduler", "/v1/chronos"
#: Of the clock that tests have: 2026-09-21T14:13:20Z.
LATER: Final = "R/2026-09-22T00:00:00Z/P1D"


def document(name: str = "a", **fields: Any) -> dict[str, Any]:
    """A daily job as clients post it."""
    return {"name": name, "command": "true", "schedule": LATER, **fields}


class LivingCase(SynchronousTestCase):
    """A Chronos that decides."""

    def setUp(self) -> None:
        self.world = LivingWorld()

    def tearDown(self) -> None:
        self.assertEqual(self.world.failures, [])

    def done(self, method: str, path: str, body: object = None, code: int = 204) -> Any:
        """What is answered to something that is done."""
        got = self.world.ask(method, path, body)
        self.assertEqual(got.code, code, got.text)
        return got.json if got.body and got.headers["content-type"].endswith("json") else got.text

    def names(self, prefix: str = V3) -> list[str]:
        return [one["name"] for one in self.world.get(f"{prefix}/jobs").json]


class JobsTests(LivingCase):
    """What the old clients do all day."""

    def test_visible(self) -> None:
        """A job is there as soon as its post is answered, under every prefix."""
        for number, prefix in enumerate((V2, V3)):
            name = f"job {number} #1"
            self.done("POST", f"{prefix}/iso8601", document(name))
            for other in (V2, V3):
                self.assertIn(name, self.names(other))
            self.done("DELETE", f"{prefix}/job/job%20{number}%20%231")
            self.assertEqual(self.names(), [])

    def test_again(self) -> None:
        """What is shown can be posted again: it is the same job with the same schedule."""
        self.done("POST", f"{V3}/iso8601", document())
        before = self.world.get(f"{V3}/jobs").json
        self.done("POST", f"{V3}/iso8601", before[0])
        self.assertEqual(self.world.get(f"{V3}/jobs").json, before)

    def test_run(self) -> None:
        """A job that is run now waits, runs, and has succeeded."""
        self.done("POST", f"{V3}/iso8601", document())
        self.done("PUT", f"{V3}/job/a?arguments=-v")
        (summary,) = self.world.get(f"{V3}/jobs/summary").json["jobs"]
        self.assertEqual((summary["state"], summary["status"]), ("queued", "fresh"))
        self.world.settle()
        (summary,) = self.world.get(f"{V3}/jobs/summary").json["jobs"]
        self.assertEqual(summary["state"], "1 running")
        self.world.finish()
        (summary,) = self.world.get(f"{V3}/jobs/summary").json["jobs"]
        self.assertEqual((summary["state"], summary["status"]), ("idle", "success"))
        stat = self.world.get(f"{V3}/job/stat/a").json
        self.assertEqual(stat["histogram"]["count"], 1)
        self.assertEqual(stat["taskStatHistory"][0]["status"], "Success")

    def test_dependents(self) -> None:
        """A dependent follows its parent, and is tied anew when that goes."""
        self.done("POST", f"{V3}/iso8601", document())
        child = {"name": "b", "command": "true", "parents": ["a"]}
        self.done("POST", f"{V3}/dependency", child)
        self.assertIn("link,a,b\n", self.world.get(f"{V3}/graph/csv").text)
        told = self.done("PUT", f"{V3}/job/success/a", code=200)
        self.assertEqual(told, "marked job a as successful: true")
        self.assertIn("node,b,fresh,queued\n", self.world.get(f"{V3}/graph/csv").text)
        self.done("DELETE", f"{V3}/job/a")
        (left,) = self.world.get(f"{V3}/jobs").json
        self.assertEqual(left["schedule"], "R/2026-09-22T00:00:00.000Z/P1D")

    def test_kill(self) -> None:
        """Tasks are killed, which is no failure; nothing to kill is no fault."""
        self.done("POST", f"{V3}/iso8601", document())
        self.done("DELETE", f"{V3}/task/kill/a")
        self.done("PUT", f"{V3}/job/a")
        self.world.settle()
        self.done("DELETE", f"{V2}/task/kill/a")
        self.world.turn()
        (left,) = self.world.get(f"{V3}/jobs").json
        self.assertEqual((left["errorCount"], self.world.agent.tasks), (0, {}))

    def test_async(self) -> None:
        """The older prefix has jobs whose end is told by a call."""
        self.done("POST", f"{V2}/iso8601", {**document(), "async": True})
        self.done("PUT", f"{V2}/job/a")
        self.world.settle()
        (task_id,) = self.world.agent.tasks
        self.world.finish()
        (one,) = self.world.get(f"{V2}/jobs").json
        self.assertEqual(one["successCount"], 0)
        self.done("PUT", f"{V2}/task/{task_id}", {"statusCode": 0})
        (one,) = self.world.get(f"{V2}/jobs").json
        self.assertEqual(one["successCount"], 1)

    def test_unknown(self) -> None:
        """Whatever is done to an unknown job or task is a bad request, under both prefixes."""
        for prefix in (V2, V3):
            for method, path in (
                ("PUT", "job/x"),
                ("DELETE", "job/x"),
                ("GET", "job/stat/x"),
                ("DELETE", "task/kill/x"),
            ):
                said = self.done(method, f"{prefix}/{path}", code=400)
                self.assertIn("x", said["message"])
        self.done("PUT", f"{V2}/task/x", {"statusCode": 0}, code=400)
        told = self.done("PUT", f"{V3}/job/success/x", code=200)
        self.assertEqual(told, "marked job x as successful: false")


class OwnTests(LivingCase):
    """What the original lacks."""

    def test_life(self) -> None:
        """A job is made, changed by version, run with arguments, explained and removed."""
        made = self.done("PUT", f"{OWN}/jobs/a", document(), 201)
        stale = self.world.ask("PATCH", f"{OWN}/jobs/a", {"cpus": 2}, {"if-match": '"x"'})
        self.assertEqual(stale.code, 412, stale.text)
        tag = {"if-match": f'"{made["version"]}"'}
        patched = self.world.ask("PATCH", f"{OWN}/jobs/a", {"cpus": 2}, tag)
        self.assertEqual((patched.code, patched.json["job"]["cpus"]), (200, 2.0))
        self.assertEqual(len(self.world.get(f"{OWN}/jobs/a/versions").json["versions"]), 2)
        (run,) = self.done("POST", f"{OWN}/jobs/a/runs", {"arguments": "-v"}, 201)["runs"]
        (waiting,) = self.world.get(f"{OWN}/queue").json["queue"]
        self.assertEqual((waiting["run"]["id"], bool(waiting["causes"])), (run["id"], True))
        self.assertIn("1 waiting", self.world.get(f"{OWN}/why/a").json["sentence"])
        self.world.settle()
        self.world.finish()
        shown = self.world.get(f"{OWN}/runs/{run['id']}").json
        self.assertEqual((shown["state"], shown["arguments"]), ("succeeded", "-v"))
        self.assertIn("sandbox", shown)
        self.assertEqual(self.done("DELETE", f"{OWN}/jobs/a", code=200)["dependents"], [])
        self.done("GET", f"{OWN}/jobs/a", code=404)

    def test_put_again(self) -> None:
        """What is shown can be put again, and is the same version then."""
        made = self.done("PUT", f"{OWN}/jobs/a", document(), 201)
        again = self.done("PUT", f"{OWN}/jobs/a", made["job"], 200)
        self.assertEqual(again["job"], made["job"])

    def test_exists(self) -> None:
        """Who wants a new job is told if there is one."""
        self.done("PUT", f"{OWN}/jobs/a", document(), 201)
        got = self.world.ask("PUT", f"{OWN}/jobs/a", document(), {"if-none-match": "*"})
        self.assertEqual(got.code, 412, got.text)

    def test_locked(self) -> None:
        """A run that may not overlap another is refused while that runs."""
        self.done("PUT", f"{OWN}/jobs/a", document(concurrency="skip"), 201)
        self.done("POST", f"{OWN}/jobs/a/runs", None, 201)
        self.world.settle()
        self.done("POST", f"{OWN}/jobs/a/runs", None, 409)

    def test_validate(self) -> None:
        """A document is tried, with its next instants, and nothing is there after it."""
        got = self.done("POST", f"{OWN}/validate", document(), 200)
        self.assertEqual(got["instants"][0]["utc"], "2026-09-22T00:00:00.000Z")
        self.assertEqual(self.names(), [])

    def test_pause(self) -> None:
        """While everything is paused nothing starts, and what waits says so."""
        self.done("PUT", f"{OWN}/jobs/a", document(), 201)
        self.done("PUT", f"{OWN}/pause", {"paused": True, "why": "disks"}, 200)
        self.done("POST", f"{OWN}/jobs/a/runs", None, 201)
        self.world.settle()
        self.assertEqual(self.world.agent.tasks, {})
        self.assertIn("disks", self.world.get(f"{OWN}/queue").json["queue"][0]["sentence"])
        self.done("PUT", f"{OWN}/pause", {"paused": False}, 200)
        self.world.settle()
        self.assertEqual(len(self.world.agent.tasks), 1)

    def test_backfill(self) -> None:
        """Instants of the past are planned, then served."""
        schedule = "R/2026-09-01T00:00:00Z/P1D"
        self.done("PUT", f"{OWN}/jobs/a", document(schedule=schedule), 201)
        self.world.settle()
        self.world.finish()
        span = {"job": "a", "start": "2026-09-03T00:00:00Z", "end": "2026-09-05T00:00:00Z"}
        planned = self.done("POST", f"{OWN}/backfill", {**span, "dryRun": True}, 200)
        self.assertEqual(len(planned["instants"]), 2)
        made = self.done("POST", f"{OWN}/backfill", span, 201)
        self.assertEqual(
            [one["instant"] for one in made["runs"]],
            ["2026-09-03T00:00:00.000Z", "2026-09-04T00:00:00.000Z"],
        )

    def test_retry(self) -> None:
        """A failed attempt is followed by another, and both are told as one chain."""
        self.done("PUT", f"{OWN}/jobs/a", document(retryDelaySeconds=1), 201)
        (run,) = self.done("POST", f"{OWN}/jobs/a/runs", None, 201)["runs"]
        self.world.settle()
        self.world.finish(TaskState.TASK_FAILED)
        chain = self.world.get(f"{OWN}/runs/{run['id']}").json["attempts"]
        self.assertEqual([one["state"] for one in chain], ["failed", "waiting"])


class Wrong(NamedTuple):
    """One row of bad input."""

    what: str
    path: str
    body: object
    #: Part of the sentence that is answered.
    said: str


def _dependent(*parents: Any, name: str = "b") -> dict[str, Any]:
    return {"name": name, "command": "true", "parents": list(parents)}


WRONG: Final = (
    Wrong("no name", "iso8601", {"command": "true", "schedule": LATER}, "name"),
    Wrong("name outside the pattern", "iso8601", document("a/b"), "name"),
    Wrong("unparsable schedule", "iso8601", document(schedule="R/x/P1D"), "schedule"),
    Wrong("no schedule", "iso8601", {"name": "a", "command": "true"}, "schedule"),
    Wrong("parents beside", "iso8601", document(parents=["k"]), "parents"),
    Wrong("before 1970", "iso8601", document(schedule="R/1969-01-01T00:00:00Z/P1D"), "1970"),
    Wrong("zero period", "iso8601", document(schedule="R/2026-09-22T00:00:00Z/PT0S"), "schedule"),
    Wrong("unknown zone", "iso8601", document(scheduleTimeZone="Mars/Olympus"), "Mars/Olympus"),
    Wrong(
        "uris and fetch",
        "iso8601",
        document(uris=["http://x/y"], fetch=[{"uri": "http://x/z"}]),
        "fetch",
    ),
    Wrong("no parents", "dependency", _dependent(), "parents"),
    Wrong("unknown parent", "dependency", _dependent("nope"), "nope"),
    Wrong("its own parent", "dependency", _dependent("b"), "b"),
    Wrong("unknown operator", "iso8601", document(constraints=[["a", "NEAR", "b"]]), "NEAR"),
    Wrong("bad pattern", "iso8601", document(constraints=[["a", "LIKE", "("]]), "constraints"),
    Wrong("short constraint", "iso8601", document(constraints=[["a", "LIKE"]]), "constraints"),
    Wrong("text for a list", "iso8601", document(arguments="x"), "arguments"),
    Wrong("wrong variables", "iso8601", document(environmentVariables=[1]), "environmentVariables"),
    Wrong("negative retries", "iso8601", document(retries=-1), "retries"),
    Wrong("negative cpus", "iso8601", document(cpus=-1), "cpus"),
    Wrong("container", "iso8601", document(container={"image": "x"}), "container"),
)


class WrongTests(LivingCase):
    """Bad input, which is 400 under both old prefixes and 422 under ours."""

    def test_table(self) -> None:
        """Every row is refused with a sentence that names the field, and nothing changes."""
        self.done("POST", f"{V3}/iso8601", document("k"))
        before = self.world.get(f"{V3}/jobs").json
        for prefix in (V2, V3):
            for row in WRONG:
                got = self.world.ask("POST", f"{prefix}/{row.path}", row.body)
                self.assertEqual(got.code, 400, f"{prefix}: {row.what}: {got.text}")
                self.assertIn(row.said, got.json["message"], row.what)
                self.assertNotIn("Traceback", got.text)
        self.assertEqual(self.world.get(f"{V3}/jobs").json, before)

    def test_update(self) -> None:
        """The same is refused of a job that is known, which stays as it is."""
        self.done("POST", f"{V3}/iso8601", document("k"))
        self.done("POST", f"{V3}/iso8601", document("a"))
        self.done("POST", f"{V3}/dependency", _dependent("a"))
        before = self.world.get(f"{V3}/jobs").json
        for prefix in (V2, V3):
            for row in WRONG:
                got = self.world.ask("POST", f"{prefix}/{row.path}", row.body)
                self.assertEqual(got.code, 400, f"{prefix}: {row.what}: {got.text}")
        self.assertEqual(self.world.get(f"{V3}/jobs").json, before)

    def test_circle(self) -> None:
        """A circle is refused with the jobs that would be in it, and no edge is lost."""
        self.done("POST", f"{V3}/iso8601", document("a"))
        self.done("POST", f"{V3}/dependency", _dependent("a", name="b"))
        self.done("POST", f"{V3}/dependency", _dependent("b", name="c"))
        said = self.done("POST", f"{V3}/dependency", _dependent("c", name="b"), 400)
        self.assertIn("c", said["message"])
        self.assertIn("link,a,b\n", self.world.get(f"{V3}/graph/csv").text)

    def test_turned(self) -> None:
        """A scheduled job becomes a dependent one, and goes back."""
        self.done("POST", f"{V3}/iso8601", document("a"))
        self.done("POST", f"{V3}/iso8601", document("b"))
        self.done("POST", f"{V3}/dependency", _dependent("a"))
        self.assertIn("link,a,b\n", self.world.get(f"{V3}/graph/csv").text)
        self.done("POST", f"{V2}/iso8601", document("b"))
        self.assertNotIn("link", self.world.get(f"{V3}/graph/csv").text)

    def test_taken(self) -> None:
        """Unknown fields and null texts are no fault; an unknown field is named in a header."""
        body = document(scheduleTimeZone=None, colour="red")
        got = self.world.ask("POST", f"{V3}/iso8601", body)
        self.assertEqual(got.code, 204, got.text)
        self.assertIn("colour", got.headers["warning"])
        self.assertEqual(self.world.get(f"{V3}/job/a").json["scheduleTimeZone"], "")

    def test_case(self) -> None:
        """Names differ by case."""
        self.done("POST", f"{V3}/iso8601", document("a"))
        self.done("POST", f"{V3}/iso8601", document("A"))
        self.assertEqual(self.names(), ["a", "A"])

    def test_own(self) -> None:
        """Under our own prefix the same faults are 422, with their places."""
        for row in WRONG:
            body: Any = row.body
            if row.what in {"no name", "name outside the pattern"}:
                continue
            got = self.world.ask("PUT", f"{OWN}/jobs/{body['name']}", body)
            self.assertIn(got.code, (400, 422), f"{row.what}: {got.text}")
        got = self.world.ask("PUT", f"{OWN}/jobs/a", document(cpus=-1, mem="x"))
        self.assertEqual(got.code, 422)
        self.assertTrue(got.json["faults"])
