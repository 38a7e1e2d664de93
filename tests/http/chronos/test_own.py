"""Our own API: what the original lacks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import PauseChanged, RegistrationKept
from mesostw.core.chronos.reasons import Cause, WaitingReport, WhyReport
from mesostw.core.chronos.records import Pause, Registration, RunState
from mesostw.core.chronos.words import (
    BackfillAsked,
    Begun,
    Dialect,
    Done,
    EnablingAsked,
    Ending,
    JobAsked,
    JobRemovalAsked,
    Kept,
    PauseAsked,
    Planned,
    Removed,
    RerunAsked,
    RunAsked,
    RunKillAsked,
)
from mesostw.core.framework.refusing import Fault, Unfit
from mesostw.core.story import Line
from mesostw.model.ids import AgentId, FrameworkId
from mesostw.model.jobs import Instant, JobName, Period, Repeating, RunId
from tests.http.chronos.world import STAMP, WALL, ChronosWorld, job, run, standing

OWN = "/v1/chronos"
A = JobName("a")
ANN = {"x-chronos-actor": "ann"}
LATER = "2026-02-02T00:00:00.000Z"


class OwnCase(SynchronousTestCase):
    """A site with one job."""

    def setUp(self) -> None:
        self.world = ChronosWorld()
        self.world.add(job("a"), standing("a"))

    def asked(
        self,
        method: str,
        path: str,
        answer: Any,
        body: object = None,
        code: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Any, Any]:
        """The question that a request became, and what was answered."""
        core = self.world.answering(answer)
        got = self.world.ask(method, f"{OWN}/{path}", body, headers)
        self.assertEqual(got.code, code, got.text)
        return core.asked[-1], got

    def refused(self, method: str, path: str, code: int, body: object = None) -> str:
        """Why something is not even asked."""
        got = self.world.ask(method, f"{OWN}/{path}", body)
        self.assertEqual((got.code, self.world.core.asked), (code, []), got.text)
        message: str = got.json["message"]
        return message


class JobsTests(OwnCase):
    """The noun ``jobs``."""

    def test_one(self) -> None:
        """A job is shown with its version, which is its tag, and the whole schedule."""
        got = self.world.get(f"{OWN}/jobs/a")
        self.assertEqual((got.code, got.headers["etag"]), (200, f'"{STAMP}"'))
        self.assertEqual(got.json["job"]["schedule"], "R/2026-01-01T00:00:00.000Z/P1D")
        self.assertEqual((got.json["status"], got.json["state"]), ("fresh", "idle"))
        self.assertEqual(got.json["next"], "2026-01-02T00:00:00.000Z")
        self.assertEqual(self.world.get(f"{OWN}/jobs/x").code, 404)

    def test_pages(self) -> None:
        """Jobs come by name, as many as are wanted, and the last name leads to the next page."""
        self.world.add(*(job(name) for name in ("d", "c", "b")))
        first = self.world.get(f"{OWN}/jobs?limit=3").json
        self.assertEqual([one["name"] for one in first["jobs"]], ["a", "b", "c"])
        self.assertEqual((first["after"], first["total"]), ("c", 4))
        last = self.world.get(f"{OWN}/jobs?limit=3&after=c").json
        self.assertEqual(([one["name"] for one in last["jobs"]], last["after"]), (["d"], None))
        self.refused("GET", "jobs?limit=0", 400)

    def test_chosen(self) -> None:
        """Labels, text and state each leave only what has them."""
        web = job("web")
        web = replace(web, spec=replace(web.spec, labels={"team": "x"}, disabled=True))
        self.world.add(web, run(1, "web"))
        for query, names in {
            "label=team=x": ["web"],
            "label=team=y": [],
            "q=WE": ["web"],
            "state=disabled": ["web"],
            "state=enabled": ["a"],
            "state=queued": ["web"],
            "state=fresh&q=a": ["a"],
        }.items():
            got = self.world.get(f"{OWN}/jobs?{query}").json["jobs"]
            self.assertEqual([one["name"] for one in got], names, query)
        self.assertIn("KEY=VALUE", self.refused("GET", "jobs?label=team", 400))

    def test_put(self) -> None:
        """A new job is created, a known one is replaced; its name comes from the path."""
        for created, code in ((True, 201), (False, 200)):
            question, got = self.asked(
                "PUT", "jobs/a", Kept(job("a"), created, ignored=("x",)), {"cpus": 1}, code
            )
            wanted = JobAsked(document={"cpus": 1, "name": "a"}, dialect=Dialect.OWN)
            self.assertEqual(question, wanted)
            self.assertEqual(got.json["name"], "a")
            self.assertIn("x", got.headers["warning"])

    def test_other_name(self) -> None:
        """A body of another name is refused."""
        self.assertIn("'b'", self.refused("PUT", "jobs/a", 422, {"name": "b"}))

    def test_versions_wanted(self) -> None:
        """Who names a version, or wants none, is heard; a wrong one is 412."""
        kept = Kept(job("a"), False)
        for header, value, expects in (
            ("if-match", f'"{STAMP}"', STAMP),
            ("if-match", "*", STAMP),
            ("if-none-match", "*", ""),
        ):
            question, _ = self.asked("PUT", "jobs/a", kept, {}, headers={header: value})
            self.assertEqual(question.expects, expects)
        self.asked("PUT", "jobs/a", Unfit("outdated", "It has another version"), {}, 412)
        got = self.world.ask("PUT", f"{OWN}/jobs/x", {}, {"if-match": "*"})
        self.assertEqual(got.code, 412)

    def test_faults(self) -> None:
        """Faults are 422 with their places, a locked job is 409."""
        faults = (Fault("/cpus", ("give more than 0",)),)
        _, got = self.asked("PUT", "jobs/a", Unfit("invalid", "x", faults), {}, 422)
        self.assertEqual(got.json["faults"], [{"path": "/cpus", "errors": ["give more than 0"]}])
        self.asked("POST", "jobs/a/runs", Unfit("locked", "It runs"), None, 409)

    def test_patch(self) -> None:
        """What a patch leaves out stays."""
        question, _ = self.asked("PATCH", "jobs/a", Kept(job("a"), False), {"cpus": 2})
        self.assertEqual((question.patches, question.document["cpus"]), (A, 2))

    def test_delete(self) -> None:
        """Who is tied anew and what is killed is told."""
        answer = Removed((JobName("b"),), (RunId("r"),))
        question, got = self.asked("DELETE", "jobs/a", answer, headers=ANN)
        self.assertEqual(question, JobRemovalAsked(name=A, by="ann"))
        self.assertEqual(got.json, {"dependents": ["b"], "killed": ["r"]})

    def test_enable(self) -> None:
        """A job is let run, or not."""
        question, got = self.asked("PUT", "jobs/a/enabled", Done(changed=False), {"enabled": False})
        self.assertEqual(question, EnablingAsked(name=A, enabled=False))
        self.assertEqual(got.json, {"name": "a", "enabled": False, "changed": False})

    def test_enable_what(self) -> None:
        """Only true and false say whether."""
        wrong: tuple[dict[str, object], ...] = ({"enabled": "yes"}, {}, {"enabled": 1})
        for body in wrong:
            self.refused("PUT", "jobs/a/enabled", 422, body)

    def test_next(self) -> None:
        """Instants are told in UTC and on the wall, across a change of daylight time."""
        known = job("z")
        nightly = Repeating(
            anchor=datetime.fromisoformat("2026-03-28T02:30:00"),
            period=Period(days=1),
            zone="Europe/Berlin",
        )
        self.world.add(replace(known, spec=replace(known.spec, timetable=nightly)))
        first = int(datetime.fromisoformat("2026-03-28T01:30:00Z").timestamp() * 1000)
        self.world.add(standing("z", due=Instant(first), passed=0))
        got = self.world.get(f"{OWN}/jobs/z/next?n=3").json
        self.assertEqual(got["zone"], "Europe/Berlin")
        self.assertEqual(
            [one["local"] for one in got["instants"]],
            [
                "2026-03-28T02:30:00.000+01:00",
                "2026-03-29T03:30:00.000+02:00",
                "2026-03-30T02:30:00.000+02:00",
            ],
        )
        self.assertEqual(got["instants"][0]["utc"], "2026-03-28T01:30:00.000Z")

    def test_next_of_none(self) -> None:
        """A dependent job has no next instant."""
        self.world.add(job("b", "a"))
        self.assertEqual(self.world.get(f"{OWN}/jobs/b/next").json["instants"], [])

    def test_versions(self) -> None:
        """Versions are told the newest first, and each can be read."""
        self.world.add(replace(job("a", version=LATER), by="ann"))
        got = self.world.get(f"{OWN}/jobs/a/versions").json["versions"]
        self.assertEqual(
            got,
            [
                {"version": LATER, "by": "ann", "current": True},
                {"version": STAMP, "by": "", "current": False},
            ],
        )
        old = self.world.get(f"{OWN}/jobs/a/versions/{STAMP}")
        self.assertEqual((old.json["version"], old.headers["etag"]), (STAMP, f'"{STAMP}"'))
        self.assertEqual(self.world.get(f"{OWN}/jobs/a/versions/1").code, 404)


class RunsTests(OwnCase):
    """The noun ``runs``."""

    def test_list(self) -> None:
        """Runs come the newest first, of a job, in a state, since a time, up to a number."""
        self.world.add(run(1), run(2, state=RunState.RUNNING), run(3, "b"))
        for query, ids in {
            "": ["run-3-0", "run-2-0", "run-1-0"],
            "?job=a": ["run-2-0", "run-1-0"],
            "?state=waiting,staging": ["run-3-0", "run-1-0"],
            "?since=2026-01-01T00:00:02Z": ["run-3-0", "run-2-0"],
            "?limit=1": ["run-3-0"],
        }.items():
            got = self.world.get(f"{OWN}/runs{query}").json["runs"]
            self.assertEqual([one["id"] for one in got], ids, query)
        self.assertEqual(len(self.world.get(f"{OWN}/jobs/a/runs").json["runs"]), 2)

    def test_list_what(self) -> None:
        """Wrong words and times are refused with those that there are."""
        self.assertIn("waiting", self.refused("GET", "runs?state=idle", 400))
        self.assertIn("since", self.refused("GET", "runs?since=yesterday", 422))

    def test_one(self) -> None:
        """A run is told with all attempts at its instant, and where its files are."""
        failed = run(1, state=RunState.FAILED)
        again = replace(
            run(1, state=RunState.RUNNING, attempt=1),
            agent_id=AgentId("S1"),
            retries=failed.id,
            launched_at=WALL,
            life=3,
        )
        self.world.add(failed, again)
        self.world.publish(RegistrationKept(Registration(FrameworkId("F-1"))))
        self.world.core.stories["run/run-1-1"] = (Line(WALL, "Tick", "is running"),)
        got = self.world.get(f"{OWN}/runs/run-1-1").json
        self.assertEqual(
            got["attempts"],
            [
                {"id": "run-1-0", "attempt": 0, "state": "failed"},
                {"id": "run-1-1", "attempt": 1, "state": "running"},
            ],
        )
        path = f"/frameworks/F-1/executors/{again.task_id}/runs/latest"
        self.assertEqual(got["sandbox"], {"agentId": "S1", "path": path})
        self.assertEqual((got["retries"], got["life"]), ("run-1-0", 3))
        self.assertTrue(got["story"][0].endswith("Tick: is running"))
        self.assertGreater(got["latenessSeconds"], 0)
        self.assertEqual(self.world.get(f"{OWN}/runs/x").code, 404)

    def test_shared_sandbox(self) -> None:
        """Runs of a job with its own executor are in that one's sandbox."""
        known = job("a")
        self.world.add(replace(known, spec=replace(known.spec, executor="./own")))
        self.world.add(replace(run(1, state=RunState.RUNNING), agent_id=AgentId("S1")))
        self.world.publish(RegistrationKept(Registration(FrameworkId("F-1"))))
        got = self.world.get(f"{OWN}/runs/run-1-0").json
        self.assertEqual(got["sandbox"]["path"], "/frameworks/F-1/executors/a/runs/latest")

    def test_begin(self) -> None:
        """A job is run with arguments and variables of its own, and the run's id comes back."""
        body = {"arguments": ["-v", "x"], "environment": {"A": "1"}}
        question, got = self.asked("POST", "jobs/a/runs", Begun((run(1),)), body, 201)
        self.assertEqual(question, RunAsked(name=A, arguments="-v x", environment={"A": "1"}))
        self.assertEqual(got.json["runs"][0]["id"], "run-1-0")
        question, _ = self.asked("POST", "jobs/a/runs", Begun((run(1),)), None, 201)
        self.assertEqual(question, RunAsked(name=A))

    def test_begin_with_what(self) -> None:
        """Anything else in the body is refused."""
        wrong: tuple[dict[str, object], ...] = (
            {"x": 1},
            {"arguments": 1},
            {"environment": {"A": 1}},
            {"environment": []},
        )
        for body in wrong:
            self.refused("POST", "jobs/a/runs", 422, body)

    def test_others(self) -> None:
        """A run is ended, or run again."""
        question, got = self.asked("DELETE", "runs/r", Ending((RunId("r"),)))
        self.assertEqual((question, got.json), (RunKillAsked(run_id=RunId("r")), {"runs": ["r"]}))
        question, _ = self.asked("POST", "runs/r/rerun", Begun((run(1),)), None, 201)
        self.assertEqual(question, RerunAsked(run_id=RunId("r")))


class ClockTests(OwnCase):
    """Trying a schedule, serving the past, pausing everything."""

    def test_validate(self) -> None:
        """A document is judged under any dialect, and its next instants are told."""
        answer = Kept(job("n"), True, (Instant(1_767_312_000_000),), ("colour",))
        question, got = self.asked("POST", "validate?dialect=v2", answer, {"name": "n"})
        self.assertEqual(
            question, JobAsked(document={"name": "n"}, dialect=Dialect.V2, dry_run=True)
        )
        self.assertEqual(
            (got.json["instants"][0]["utc"], got.json["ignored"], got.json["created"]),
            ("2026-01-02T00:00:00.000Z", ["colour"], True),
        )

    def test_dialects(self) -> None:
        """An unknown dialect is refused."""
        self.assertIn("own", self.refused("POST", "validate?dialect=v9", 400, {"name": "n"}))

    def test_backfill(self) -> None:
        """A span is read with its offsets; instants or runs come back."""
        body: dict[str, object] = {
            "job": "a",
            "start": "2026-01-01T01:00:00+01:00",
            "end": 1_767_312_000_000,
            "dryRun": True,
        }
        question, got = self.asked("POST", "backfill", Planned((Instant(0),)), body)
        wanted = BackfillAsked(
            name=A,
            start=Instant(1_767_225_600_000),
            end=Instant(1_767_312_000_000),
            dry_run=True,
        )
        self.assertEqual(question, wanted)
        self.assertEqual(got.json, {"instants": ["1970-01-01T00:00:00.000Z"]})
        _, got = self.asked("POST", "backfill", Begun((run(1),)), body, 201)
        self.assertEqual(got.json["runs"][0]["id"], "run-1-0")

    def test_backfill_what(self) -> None:
        """Times without an offset, absent ones and unknown fields are refused by name."""
        whole: dict[str, object] = {"job": "a", "start": 0, "end": 1}
        for name, value in (
            ("start", "2026-01-01T00:00:00"),
            ("start", None),
            ("end", -1),
            ("job", 7),
            ("again", "yes"),
            ("colour", 1),
        ):
            message = self.refused("POST", "backfill", 422, {**whole, name: value})
            self.assertIn(name, message)

    def test_pause(self) -> None:
        """Everything is paused, with who wants that and why."""
        self.assertEqual(self.world.get(f"{OWN}/pause").json, {"paused": False})
        body = {"paused": True, "why": "disks"}
        question, _ = self.asked("PUT", "pause", Done(), body, headers=ANN)
        self.assertEqual(question, PauseAsked(paused=True, by="ann", why="disks"))
        self.world.publish(PauseChanged(Pause(WALL, "ann", "disks")))
        got = self.world.get(f"{OWN}/pause").json
        self.assertEqual((got["paused"], got["by"], got["why"]), (True, "ann", "disks"))

    def test_pause_what(self) -> None:
        """Only true and false say whether, and only text why."""
        wrong: tuple[dict[str, object], ...] = (
            {},
            {"paused": 1},
            {"paused": True, "why": 1},
            {"paused": True, "x": 1},
        )
        for body in wrong:
            self.refused("PUT", "pause", 422, body)


class ViewsTests(OwnCase):
    """What can only be looked at."""

    def test_queue(self) -> None:
        """What waits is told with why, in words for people too."""
        causes = (Cause("busy", "run r has not ended"), Cause("backed_off", "later", WALL))
        self.world.core.queued = (WaitingReport(run(1), causes),)
        answer = self.world.get(f"{OWN}/queue").json
        self.assertEqual(answer["total"], 1)
        (got,) = answer["queue"]
        self.assertEqual((got["run"]["id"], got["causes"][0]["kind"]), ("run-1-0", "busy"))
        self.assertEqual(got["sentence"], "run r has not ended; later")
        self.assertIn("until", got["causes"][1])

    def test_why(self) -> None:
        """A job is explained, with what last happened to it."""
        told = WhyReport(A, "nothing runs", (Cause("due", "later"),), running=2, funnel=("x",))
        self.world.core.reasons["a"] = told
        self.world.core.stories["job/a"] = (Line(WALL, "Tick", "nothing"),)
        got = self.world.get(f"{OWN}/why/a").json
        self.assertEqual((got["sentence"], got["running"]), ("nothing runs", 2))
        self.assertTrue(got["story"][0].endswith("Tick: nothing"))
        self.assertEqual(self.world.get(f"{OWN}/why/x").code, 404)

    def test_graph(self) -> None:
        """Jobs are in layers: each after all of its parents."""
        self.world.add(job("b", "a"), job("c", "a", "b"))
        got = self.world.get(f"{OWN}/graph").json
        self.assertEqual(got["layers"], [["a"], ["b"], ["c"]])
        self.assertIn({"parent": "b", "child": "c"}, got["links"])
        self.assertEqual(got["nodes"][0]["state"], "idle")

    def test_info(self) -> None:
        """It says what it is, who leads, and by which limits."""
        got = self.world.get(f"{OWN}/info").json
        self.assertEqual((got["leader"], got["elected"], got["jobs"]), ("10.0.0.1:4400", True, 1))
        self.assertEqual(got["flags"]["job_history_limit"], 5)
