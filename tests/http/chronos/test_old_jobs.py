"""Jobs under both old prefixes: every row of the API that reads or changes one."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import JobRemoved
from mesostw.core.chronos.records import RunState
from mesostw.core.chronos.words import (
    AllTasksDropAsked,
    Begun,
    Dialect,
    Done,
    Ending,
    Form,
    JobAsked,
    JobKillAsked,
    JobRemovalAsked,
    Kept,
    MarkAsked,
    ProgressAsked,
    Removed,
    RunAsked,
    VerdictAsked,
)
from mesostw.core.framework.refusing import Fault, Unfit
from mesostw.http.chronos.fragments import Fragments
from mesostw.model.ids import TaskId
from mesostw.model.jobs import Fetch, JobName
from tests.http.chronos.world import ChronosWorld, job, run, standing

V2, V3 = "/scheduler", "/v1/scheduler"
BOTH = {V2: Dialect.V2, V3: Dialect.V3}
DOCUMENT = {"name": "a", "command": "true", "schedule": "R/2026-01-01T00:00:00Z/P1D"}
A = JobName("a")


class OldCase(SynchronousTestCase):
    """A site with both prefixes."""

    def setUp(self) -> None:
        self.world = ChronosWorld()

    def done(self, method: str, path: str, answer: Any, body: object = None) -> Any:
        """The question that a request became; it is answered 204 without a body."""
        core = self.world.answering(answer)
        got = self.world.ask(method, path, body)
        self.assertEqual((got.code, got.body), (204, b""), got.text)
        return core.asked[-1]

    def refused(self, method: str, path: str, answer: Any = None, body: object = None) -> Any:
        """The object that a request is refused with, always as 400."""
        if answer is not None:
            self.world.answering(answer)
        got = self.world.ask(method, path, body)
        self.assertEqual(got.code, 400, got.text)
        self.assertEqual(got.json["status"], "Bad Request")
        return got.json


class ReadingTests(OldCase):
    """What is asked for, and not changed."""

    def test_jobs(self) -> None:
        """All jobs are an array on one line, in the order that they came, and mirror files."""
        fetching = job("b")
        fetching = replace(fetching, spec=replace(fetching.spec, fetch=(Fetch(uri="http://x/y"),)))
        self.world.add(fetching, job("a"), standing("a", success_count=3))
        for prefix in BOTH:
            got = self.world.get(f"{prefix}/jobs")
            self.assertEqual((got.code, got.headers["content-type"]), (200, "application/json"))
            self.assertNotIn(b"\n", got.body)
            self.assertEqual([one["name"] for one in got.json], ["b", "a"])
            self.assertEqual(got.json[0]["uris"], ["http://x/y"])
            self.assertEqual(got.json[1]["successCount"], 3)

    def test_dialects(self) -> None:
        """Only the older prefix shows whether a job is asynchronous, and how late it may be."""
        self.world.add(job("a"))
        (old,), (new,) = (self.world.get(f"{prefix}/jobs").json for prefix in BOTH)
        self.assertEqual((old["async"], old["epsilon"]), (False, "PT60S"))
        self.assertFalse({"async", "epsilon", "catchUp", "labels"} & set(new))

    def test_unchanged(self) -> None:
        """Who has the list already is told so; one change later it is sent again."""
        self.world.add(job("a"))
        tag = self.world.get(f"{V3}/jobs").headers["etag"]
        again = self.world.get(f"{V3}/jobs", if_none_match=tag)
        self.assertEqual((again.code, again.body), (304, b""))
        self.world.add(standing("a", success_count=1))
        newer = self.world.get(f"{V3}/jobs", if_none_match=tag)
        self.assertEqual((newer.code, newer.json[0]["successCount"]), (200, 1))

    def test_advanced(self) -> None:
        """The schedule is what is left of it; one job's files are not mirrored."""
        self.world.add(job("a"), standing("a"))
        got = self.world.get(f"{V3}/job/a")
        self.assertEqual(got.code, 200)
        self.assertIn("2026-01-02T00:00:00.000", got.json["schedule"])

    def test_golden(self) -> None:
        """A job has every field that the original's has, of the same types, and no other."""
        self.world.add(job("a"), standing("a"))
        shared = {
            "name": "a",
            "command": "true",
            "shell": True,
            "executor": "",
            "executorFlags": "",
            "taskInfoData": "",
            "retries": 2,
            "owner": "",
            "ownerName": "",
            "description": "",
            "cpus": 0.1,
            "mem": 128.0,
            "disk": 256.0,
            "disabled": False,
            "concurrent": False,
            "softError": False,
            "dataProcessingJobType": False,
            "highPriority": False,
            "runAsUser": "",
            "successCount": 0,
            "errorCount": 0,
            "lastSuccess": "",
            "lastError": "",
            "errorsSinceLastSuccess": 0,
            "uris": [],
            "fetch": [],
            "arguments": [],
            "environmentVariables": [],
            "constraints": [],
            "maxCompletionTime": 0,
            "schedule": "R/2026-01-02T00:00:00.000Z/P1D",
            "scheduleTimeZone": "",
        }
        self.assertEqual(self.world.get(f"{V3}/jobs").json, [shared])
        self.assertEqual(self.world.get(f"{V3}/job/a").json, shared)
        (old,) = self.world.get(f"{V2}/jobs").json
        self.assertEqual(old, {**shared, "async": False, "epsilon": "PT60S"})

    def test_one_is_new(self) -> None:
        """Single jobs and the summary are only under the newer prefix."""
        self.world.add(job("a"))
        self.assertEqual(self.world.get(f"{V2}/job/a").code, 405)
        self.assertEqual(self.world.get(f"{V2}/jobs/summary").code, 404)

    def test_names(self) -> None:
        """Names with blanks and hashes are found when they are escaped."""
        self.world.add(job("a b #1"))
        self.assertEqual(self.world.get(f"{V3}/job/a%20b%20%231").json["name"], "a b #1")

    def test_unknown(self) -> None:
        """An unknown job is a bad request that names it."""
        self.assertIn("'nope'", self.refused("GET", f"{V3}/job/nope")["message"])
        self.assertIn("'nope'", self.refused("GET", f"{V3}/job/stat/nope")["message"])

    def test_summary(self) -> None:
        """The summary has last results, what runs now, and no schedule of dependents."""
        self.world.add(job("a"), job("b", "a"), standing("a", last_success=5.0, last_error=4.0))
        self.world.add(run(1), run(2, state=RunState.RUNNING), run(3, "b"))
        first, second = self.world.get(f"{V3}/jobs/summary").json["jobs"]
        self.assertEqual(
            (first["name"], first["status"], first["state"]), ("a", "success", "1 running")
        )
        self.assertEqual(
            second,
            {
                "name": "b",
                "status": "fresh",
                "state": "queued",
                "schedule": "",
                "parents": ["a"],
                "disabled": False,
            },
        )

    def test_search(self) -> None:
        """Name and command have to hold both; ``any`` rescues, and filters nothing alone."""
        self.world.add(*(job(name) for name in ("alpha", "beta", "gamma")))
        for query, names in {
            "": ["alpha", "beta", "gamma"],
            "name=ALPHA": ["alpha"],
            "name=a&command=TRUE": ["alpha", "beta", "gamma"],
            "name=a&command=false": [],
            "name=nope&any=bet": ["beta"],
            "any=nope": ["alpha", "beta", "gamma"],
            "limit=1&offset=1": ["beta"],
        }.items():
            for prefix in BOTH:
                got = self.world.get(f"{prefix}/jobs/search?{query}")
                self.assertEqual([one["name"] for one in got.json], names, query)

    def test_search_limits(self) -> None:
        """Ten are found if no limit is given; one that is no number finds no page."""
        self.world.add(*(job(f"j{number}") for number in range(12)))
        self.assertEqual(len(self.world.get(f"{V3}/jobs/search").json), 10)
        self.assertEqual(self.world.get(f"{V3}/jobs/search?limit=x").code, 404)

    def test_graph(self) -> None:
        """The graph is text: lines of nodes and links, or numbered vertices with labels."""
        self.world.add(job("a"), job("b", "a"))
        for prefix in BOTH:
            csv, dot = (self.world.get(f"{prefix}/graph/{kind}") for kind in ("csv", "dot"))
            self.assertEqual(csv.text, "node,a,fresh,idle\nnode,b,fresh,idle\nlink,a,b\n")
            self.assertEqual(
                dot.text,
                'digraph G {\n  1 [ label="a" ];\n  2 [ label="b" ];\n  1 -> 2;\n}\n',
            )
            self.assertTrue(csv.headers["content-type"].startswith("text/plain"))

    def test_leader(self) -> None:
        """Both prefixes tell who leads."""
        for prefix in BOTH:
            self.assertEqual(self.world.get(f"{prefix}/leader").json, {"leader": "10.0.0.1:4400"})


class FragmentTests(SynchronousTestCase):
    """Jobs that are encoded once."""

    def test_forgotten(self) -> None:
        """What was removed is not kept for ever; what is the same is not encoded again."""
        world, fragments = ChronosWorld(), Fragments(Dialect.V3)
        for number in range(250):
            one = job(f"j{number}")
            world.add(one)
            first = fragments.of(world.feed.view, one)
            self.assertIs(fragments.of(world.feed.view, one), first)
            world.publish(JobRemoved(one.name))
        self.assertLess(fragments.count, 150)


class PostingTests(OldCase):
    """Jobs that are created or replaced."""

    def test_posts(self) -> None:
        """Each prefix means its own defaults, each path what the job has to have."""
        for prefix, dialect in BOTH.items():
            for path, form in {"iso8601": Form.SCHEDULED, "dependency": Form.DEPENDENT}.items():
                asked = self.done("POST", f"{prefix}/{path}", Kept(job("a"), True), DOCUMENT)
                self.assertEqual(asked, JobAsked(document=DOCUMENT, dialect=dialect, form=form))

    def test_puts(self) -> None:
        """The older prefix takes jobs with ``PUT`` too, the newer one does not."""
        asked = self.done("PUT", f"{V2}/iso8601", Kept(job("a"), False), DOCUMENT)
        self.assertEqual(asked.form, Form.SCHEDULED)
        self.assertEqual(self.world.ask("PUT", f"{V3}/iso8601", DOCUMENT).code, 405)

    def test_ignored(self) -> None:
        """Fields that nobody reads are named in a header, and are no fault."""
        self.world.answering(Kept(job("a"), True, ignored=("colour", "sïze")))
        got = self.world.ask("POST", f"{V3}/iso8601", DOCUMENT)
        self.assertEqual(got.headers["warning"], '299 - "ignored: colour, s?ze"')

    def test_type(self) -> None:
        """A body that does not call itself JSON is not read."""
        for headers in ({"content-type": "text/plain"}, {"content-type": ""}):
            got = self.world.ask("POST", f"{V3}/iso8601", DOCUMENT, headers)
            self.assertEqual((got.code, got.json["status"]), (415, "Unsupported Media Type"))
        self.assertEqual(self.world.core.asked, [])

    def test_no_json(self) -> None:
        """What is no JSON, or no object, is refused with a sentence."""
        for body in (b"{", b"[]", b"null", b'"x"', b"\xff"):
            said = self.refused("POST", f"{V2}/dependency", body=body)
            self.assertTrue(said["message"])

    def test_faults(self) -> None:
        """All faults are one sentence each, with their places beside."""
        faults = (
            Fault("/cpus", ("must be more than 0", "its unit is no number")),
            Fault("/", ("nothing is given",)),
            Fault("/name", ("'/' is no name", "name is long")),
        )
        said = self.refused("POST", f"{V3}/iso8601", Unfit("invalid", "x", faults), DOCUMENT)
        self.assertEqual(
            said["message"],
            "cpus must be more than 0; cpus: its unit is no number; nothing is given; "
            "'/' is no name; name is long",
        )
        self.assertEqual(said["faults"][1], {"path": "/", "errors": ["nothing is given"]})

    def test_actor(self) -> None:
        """Who asks is who the client names, else whom the credentials are of."""
        self.world.answering(Kept(job("a"), True), Kept(job("a"), True))
        self.world.ask("POST", f"{V3}/iso8601", DOCUMENT, {"x-chronos-actor": "ann"})
        self.world.ask("POST", f"{V3}/iso8601", DOCUMENT, {"authorization": "Basic Ym9iOng="})
        self.assertEqual([one.by for one in self.world.core.asked], ["ann", "bob"])


class ActingTests(OldCase):
    """What is done to jobs and tasks."""

    def test_run(self) -> None:
        """A job is run with its own arguments, or with those of the query."""
        for prefix in BOTH:
            for query, arguments in {
                "": None,
                "?arguments=%20": None,
                "?arguments=-v": "-v",
            }.items():
                asked = self.done("PUT", f"{prefix}/job/a{query}", Begun((), "disabled"))
                self.assertEqual(asked, RunAsked(name=A, arguments=arguments, lenient=True))

    def test_remove(self) -> None:
        """A job is removed under both prefixes."""
        for prefix in BOTH:
            asked = self.done("DELETE", f"{prefix}/job/a", Removed((), ()))
            self.assertEqual(asked, JobRemovalAsked(name=A))

    def test_mark(self) -> None:
        """Whether a job was marked is said in text, and is 200 for an unknown one too."""
        for answer, said in {Done(): "true", Unfit("unknown", "no job"): "false"}.items():
            core = self.world.answering(answer)
            got = self.world.ask("PUT", f"{V3}/job/success/a")
            self.assertEqual((got.code, got.text), (200, f"marked job a as successful: {said}"))
            self.assertEqual(core.asked[-1], MarkAsked(name=A))

    def test_kill(self) -> None:
        """A job's tasks are killed, also when nothing runs."""
        for prefix in BOTH:
            asked = self.done("DELETE", f"{prefix}/task/kill/a", Ending(()))
            self.assertEqual(asked, JobKillAsked(name=A))

    def test_unknown(self) -> None:
        """Whatever is done to an unknown job is a bad request."""
        unknown = Unfit("unknown", "There is no job 'a'")
        for prefix in BOTH:
            for method, path in (
                ("PUT", "job/a"),
                ("DELETE", "job/a"),
                ("DELETE", "task/kill/a"),
            ):
                said = self.refused(method, f"{prefix}/{path}", unknown)
                self.assertEqual(said["message"], "There is no job 'a'")

    def test_progress(self) -> None:
        """A run of a data processing job tells what it has processed."""
        for prefix in BOTH:
            path = f"{prefix}/job/a/task/ct:1:0:a:r.1/progress"
            body = {"numAdditionalElementsProcessed": 7}
            asked = self.done("POST", path, Done(), body)
            wanted = ProgressAsked(name=A, task_id=TaskId("ct:1:0:a:r.1"), elements=7)
            self.assertEqual(asked, wanted)
            for wrong in (-1, "7", None, True, 1.5):
                said = self.refused("POST", path, body={"numAdditionalElementsProcessed": wrong})
                self.assertIn("numAdditionalElementsProcessed", said["message"])

    def test_verdict(self) -> None:
        """The older prefix is told how asynchronous tasks ended."""
        asked = self.done("PUT", f"{V2}/task/ct:1:0:a:r.1", Done(), {"statusCode": 3})
        self.assertEqual(asked, VerdictAsked(task_id=TaskId("ct:1:0:a:r.1"), status_code=3))
        self.assertEqual(self.world.ask("PUT", f"{V3}/task/x", {"statusCode": 0}).code, 405)

    def test_drop(self) -> None:
        """The older prefix forgets everything that waits."""
        asked = self.done("DELETE", f"{V2}/task/all", Done())
        self.assertEqual(asked, AllTasksDropAsked())
        self.assertEqual(self.world.ask("DELETE", f"{V3}/task/all").code, 404)
