"""Documents of jobs: what they wish, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import timetables
from mesostw.core.chronos.changes import JobChanged, StandingChanged
from mesostw.core.chronos.documents import Judged, judged
from mesostw.core.chronos.flags import PARENTS_MAX, ChronosFlags
from mesostw.core.chronos.records import Job, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.words import Dialect, Form, JobAsked
from mesostw.core.framework.refusing import Unfit
from mesostw.model.jobs import (
    CatchUp,
    Channel,
    Concurrency,
    Constraint,
    Cron,
    Fetch,
    Hook,
    Instant,
    JobName,
    JobSpec,
    Operator,
    Period,
    Repeating,
)
from tests.core.chronos.builders import STAMP, WALL, job, spec

NOW = Instant(int(WALL * 1000))
FLAGS = ChronosFlags(mesos_task_cpu=0.25, mesos_task_mem=99.0, task_epsilon_s=45.0, user="app")
SCHEDULE = "R/2026-01-02T06:00:00Z/P1D"
#: The least that a job needs.
LEAST: Mapping[str, object] = {"name": "a", "command": "true", "schedule": SCHEDULE}


def judge(
    document: Mapping[str, object],
    *jobs: Job,
    dialect: Dialect = Dialect.V3,
    form: Form = Form.EITHER,
    patches: str | None = None,
    restores: bool = False,
    passed: int = 0,
) -> Judged | Unfit:
    """What becomes of a document among ``jobs``, of whose ``a`` so many instants are behind."""
    state = ChronosState()
    for one in jobs:
        state.apply(JobChanged(one))
    name = patches or str(document.get("name"))
    known = state.jobs.get(JobName(name))
    if known is not None and known.spec.timetable is not None:
        t = known.spec.timetable
        due = timetables.first(t)
        for index in range(passed):
            assert due is not None
            due = timetables.after(t, index, due)
        state.apply(StandingChanged(Standing(known.name, due, passed)))
    asked = JobAsked(
        document=document,
        dialect=dialect,
        form=form,
        patches=None if patches is None else JobName(patches),
        restores=restores,
    )
    return judged(asked, known, state, FLAGS, NOW)


class DocumentTests(SynchronousTestCase):
    """Documents of all prefixes."""

    def spec_of(
        self,
        document: Mapping[str, object],
        *jobs: Job,
        dialect: Dialect = Dialect.V3,
        patches: str | None = None,
    ) -> JobSpec:
        """The job that a document wishes."""
        found = judge(document, *jobs, dialect=dialect, patches=patches)
        assert isinstance(found, Judged), found
        return found.spec

    def faults_of(
        self, more: Mapping[str, object], *jobs: Job, dialect: Dialect = Dialect.V3
    ) -> dict[str, str]:
        """The first fault at each place of the least document with ``more``."""
        found = judge({**LEAST, **more}, *jobs, dialect=dialect)
        assert isinstance(found, Unfit), found
        return {fault.path: fault.errors[0] for fault in found.faults}


class DefaultTests(DocumentTests):
    """What a document means that says nothing."""

    def test_new(self) -> None:
        """Amounts and user are the operator's; overlap and lateness those of the version."""
        for dialect in (Dialect.V3, Dialect.OWN):
            one = self.spec_of(LEAST, dialect=dialect)
            self.assertEqual((one.cpus, one.mem, one.disk, one.run_as_user), (0.25, 99, 256, "app"))
            self.assertEqual(
                (one.concurrency, one.catch_up, one.starting_deadline_seconds),
                (Concurrency.QUEUE, CatchUp.ONE, None),
            )
        old = self.spec_of(LEAST, dialect=Dialect.V2)
        self.assertEqual(
            (old.concurrency, old.catch_up, old.starting_deadline_seconds),
            (Concurrency.ALLOW, CatchUp.NONE, 45.0),
        )

    def test_null(self) -> None:
        """Null is the same as absent, for every field."""
        nulls = dict.fromkeys(
            ("owner", "cpus", "uris", "scheduleTimeZone", "parents", "retries", "container", "cron")
        )
        self.assertEqual(self.spec_of({**LEAST, **nulls}), self.spec_of(LEAST))

    def test_amounts(self) -> None:
        """Numbers may be text; 0 is the operator's amount."""
        one = self.spec_of({**LEAST, "cpus": "1.5", "mem": "0", "disk": 7})
        self.assertEqual((one.cpus, one.mem, one.disk), (1.5, 99.0, 7.0))

    def test_forms(self) -> None:
        """Variables may be a map, the data job has two names, operators any case."""
        one = self.spec_of(
            {
                **LEAST,
                "environmentVariables": {"A": "1"},
                "dataJob": True,
                "constraints": [["rack", "like", "r.*"]],
            }
        )
        self.assertEqual(one.environment_variables, (("A", "1"),))
        self.assertTrue(one.data_processing_job_type)
        self.assertEqual(one.constraints, (Constraint("rack", Operator.LIKE, "r.*"),))

    def test_ours(self) -> None:
        """Fields of ours are read under every prefix."""
        for dialect in Dialect:
            one = self.spec_of(
                {
                    **LEAST,
                    "catchUp": "all",
                    "priority": 5,
                    "hooks": [{"channel": "mail", "target": "a@b.c"}],
                },
                dialect=dialect,
            )
            self.assertEqual((one.catch_up, one.priority), (CatchUp.ALL, 5))
            self.assertEqual(one.hooks, (Hook(channel=Channel.MAIL, target="a@b.c"),))

    def test_late_and_overlapping(self) -> None:
        """Epsilon and concurrent say deadline and overlap, under every prefix."""
        for dialect in Dialect:
            one = self.spec_of({**LEAST, "epsilon": "PT5M", "concurrent": True}, dialect=dialect)
            self.assertEqual(one.starting_deadline_seconds, 300.0)
            self.assertIs(one.concurrency, Concurrency.ALLOW)
        both = self.spec_of({**LEAST, "concurrency": "skip", "concurrent": False})
        self.assertIs(both.concurrency, Concurrency.SKIP)


class RefusedTests(DocumentTests):
    """Everything that is wrong is told at once, where it is."""

    def test_shapes(self) -> None:
        """Wrong types are told together, with the value."""
        found = self.faults_of(
            {"shell": "yes", "retries": -1, "cpus": "many", "uris": "x", "arguments": {}}
        )
        self.assertEqual(
            found,
            {
                "/shell": "must be true or false, not 'yes'",
                "/retries": "must be from 0 to 9999, not -1",
                "/cpus": "must be a number, not 'many'",
                "/uris": "must be a list, not 'x'",
                "/arguments": "must be a list",
            },
        )

    def test_rules(self) -> None:
        """Broken rules are told together."""
        found = self.faults_of(
            {
                "name": "a/b",
                "epsilon": "P1M",
                "constraints": [["a", "NEAR", "b"], ["a", "LIKE", "("], ["a"]],
                "uris": ["x"],
                "fetch": [{"uri": "y"}],
                "hooks": [{"channel": "webhook", "target": "ftp://x"}],
                "container": {"image": "x"},
                "labels": {str(number): "" for number in range(101)},
                "environmentVariables": {"A=B": ""},
                "mem": 1e300,
            }
        )
        self.assertEqual(
            sorted(found),
            [
                "/constraints(0)",
                "/constraints(1)",
                "/constraints(2)",
                "/container",
                "/environmentVariables(0)/name",
                "/epsilon",
                "/hooks(0)/target",
                "/labels",
                "/mem",
                "/name",
                "/uris",
            ],
        )
        self.assertEqual(found["/container"], "container is not supported yet: leave it out")

    def test_names(self) -> None:
        """A name is there, has its characters, and is not too long."""
        for name in ("", "a/b", "a:b", ".", "..", " ", "x" * 121):
            self.assertIn("/name", self.faults_of({"name": name}), name)
        found = judge({"command": "true", "schedule": SCHEDULE})
        assert isinstance(found, Unfit)
        self.assertEqual(found.message, "name is missing")
        self.assertEqual(self.spec_of({**LEAST, "name": "x" * 120}).name, "x" * 120)

    def test_texts(self) -> None:
        """No text is larger than a job may be, or has what no program can be given."""
        self.assertIn("/command", self.faults_of({"command": "x" * 70_000}))
        self.assertIn("/arguments", self.faults_of({"arguments": ["a\0b"]}))
        self.assertIn("/owner", self.faults_of({"owner": "\ud800"}))
        self.assertIn("/", self.faults_of({"arguments": ["x" * 60_000] * 10}))
        nested: object = []
        for _ in range(200):
            nested = [nested]
        self.assertIn("/", self.faults_of({"container": {"x": nested}}))

    def test_schedules(self) -> None:
        """A schedule is whole, its period long enough, and its start in the years there are."""
        for text in (
            "R-1/2026-01-01T00:00:00Z/P1D",
            "R/2026-13-01T00:00:00Z/P1D",
            "R/2026-01-01T00:00:00Z/P",
            "R/2026-01-01T00:00:00Z/PT0S",
            "R/2026-01-01T00:00:00Z/PT0.5S",
            "R/1969-12-31T23:59:59Z/P1D",
            "R/9999-12-31T23:59:59-01:00/P1D",
            "daily",
        ):
            self.assertIn("/schedule", self.faults_of({"schedule": text}), text)
        self.assertIn("/scheduleTimeZone", self.faults_of({"scheduleTimeZone": "Mars/Olympus"}))
        self.assertIn("/cron", self.faults_of({"schedule": "", "cron": "* * *"}))
        found = self.faults_of({"schedule": None, "cron": "0 0 * * *", "excludeDates": ["x"]})
        self.assertIn("/excludeDates(0)", found)

    def test_days_without_cron(self) -> None:
        """Days without instants belong to a cron; a zone means nothing to a dependent job."""
        days = {"excludeDates": ["2026-12-25"]}
        self.assertIn("/excludeDates", self.faults_of(days))
        dependent = {"schedule": None, "parents": ["b"]}
        self.assertIn("/excludeDates", self.faults_of({**dependent, **days}, job("b")))
        self.assertIsInstance(judge(days, job("a"), patches="a"), Unfit)
        found = judge({**LEAST, **dependent, "scheduleTimeZone": "UTC"}, job("b"))
        assert isinstance(found, Judged)
        self.assertEqual(found.ignored, ("scheduleTimeZone",))

    def test_one_of_them(self) -> None:
        """A schedule, a cron and parents exclude each other; contradictions are told."""
        self.assertIn("/parents", self.faults_of({"parents": ["b"]}, job("b")))
        self.assertIn("/schedule", self.faults_of({"cron": "0 0 * * *"}))
        self.assertIn("/schedule", self.faults_of({"schedule": ""}))
        self.assertIn("/parents", self.faults_of({"schedule": None, "parents": []}))
        self.assertIn("/concurrent", self.faults_of({"concurrent": True, "concurrency": "skip"}))
        self.assertIn("/epsilon", self.faults_of({"epsilon": "PT1S", "startingDeadlineSeconds": 2}))
        self.assertIn("/command", self.faults_of({"command": ""}))
        self.assertEqual(self.spec_of({**LEAST, "command": "", "executor": "/x"}).executor, "/x")

    def test_endpoints(self) -> None:
        """An endpoint for one kind refuses the other."""
        dependent = {"name": "c", "command": "true", "parents": ["b"]}
        for document, form in ((dependent, Form.SCHEDULED), (LEAST, Form.DEPENDENT)):
            self.assertIsInstance(judge(document, job("b"), form=form), Unfit)
        self.assertIsInstance(judge(dependent, job("b"), form=Form.DEPENDENT), Judged)
        self.assertIsInstance(judge(LEAST, form=Form.SCHEDULED), Judged)

    def test_parents(self) -> None:
        """Unknown parents are named, circles are told as a way, too many refused."""
        jobs = (job("b"), job("c", "b"), job("d", "c"))
        for parents, said in (
            (["x", "y"], "'x', 'y'"),
            (["d"], "b -> c -> d -> b"),
            (["b"], "b -> b"),
            ([str(number) for number in range(PARENTS_MAX + 1)], "at most"),
        ):
            found = self.faults_of({"name": "b", "schedule": None, "parents": parents}, *jobs)
            self.assertIn(said, found["/parents"])

    def test_unknown_fields(self) -> None:
        """An unknown field is told, and under our own prefix refused."""
        found = judge({**LEAST, "zebra": 1, "apple": None, "successCount": 3})
        assert isinstance(found, Judged)
        self.assertEqual(found.ignored, ("apple", "zebra"))
        self.assertEqual(sorted(self.faults_of({"zebra": 1}, dialect=Dialect.OWN)), ["/zebra"])


class EditTests(DocumentTests):
    """A known job, edited by clients that know more or less of it."""

    OURS = replace(
        spec("a"),
        concurrency=Concurrency.REPLACE,
        catch_up=CatchUp.ALL,
        priority=7,
        labels={"x": "y"},
        starting_deadline_seconds=None,
        is_async=True,
    )

    def test_old_client(self) -> None:
        """What a client cannot know stays; what it can is replaced whole."""
        known = Job(replace(self.OURS, owner="x@y.z"), STAMP, STAMP)
        document = {**LEAST, "concurrent": False, "epsilon": "PT60S"}
        for dialect in (Dialect.V2, Dialect.V3):
            one = self.spec_of(document, known, dialect=dialect)
            self.assertEqual(
                (one.concurrency, one.catch_up, one.priority, one.labels),
                (Concurrency.REPLACE, CatchUp.ALL, 7, {"x": "y"}),
            )
            self.assertIsNone(one.starting_deadline_seconds)
            self.assertEqual(one.owner, "")
            self.assertIs(one.is_async, dialect is Dialect.V3)

    def test_old_client_means_it(self) -> None:
        """A value that was not shown is meant."""
        known = Job(self.OURS, STAMP, STAMP)
        one = self.spec_of({**LEAST, "concurrent": True, "epsilon": "PT1S"}, known)
        self.assertIs(one.concurrency, Concurrency.ALLOW)
        self.assertEqual(one.starting_deadline_seconds, 1.0)
        overlapping = Job(replace(spec("a"), concurrency=Concurrency.ALLOW), STAMP, STAMP)
        self.assertIs(self.spec_of(LEAST, overlapping).concurrency, Concurrency.QUEUE)

    def test_own(self) -> None:
        """Under our own prefix everything is replaced."""
        known = Job(self.OURS, STAMP, STAMP)
        self.assertEqual(
            self.spec_of(LEAST, known, dialect=Dialect.OWN),
            self.spec_of(LEAST, dialect=Dialect.OWN),
        )

    def test_change(self) -> None:
        """A change leaves what it does not name, and null is the default."""
        known = Job(replace(self.OURS, owner="x@y.z"), STAMP, STAMP)
        one = self.spec_of(
            {"owner": None, "retries": 5, "cpus": 0}, known, dialect=Dialect.OWN, patches="a"
        )
        self.assertEqual(one, replace(self.OURS, owner="", retries=5, cpus=0.25))

    def test_change_of_files(self) -> None:
        """A change from one form of files to the other leaves one of them."""
        known = Job(replace(self.OURS, uris=("x",)), STAMP, STAMP)
        one = self.spec_of({"fetch": [{"uri": "y"}]}, known, dialect=Dialect.OWN, patches="a")
        self.assertEqual((one.uris, one.fetch), ((), (Fetch(uri="y"),)))

    def test_change_of_kind(self) -> None:
        """A change to parents drops the schedule, and the other way round."""
        one = self.spec_of({"parents": ["b"]}, job("a"), job("b"), patches="a")
        self.assertEqual((one.timetable, one.parents), (None, ("b",)))
        other = self.spec_of({"schedule": SCHEDULE}, job("b"), job("a", "b"), patches="a")
        self.assertEqual(other.parents, ())
        assert isinstance(other.timetable, Repeating)

    def test_change_refused(self) -> None:
        """A change renames nothing, and takes no times away."""
        changes: list[Mapping[str, object]] = [
            {"name": "b"},
            {"schedule": ""},
            {"parents": None},
            {"cron": []},
        ]
        for change in changes:
            self.assertIsInstance(judge(change, job("a"), patches="a"), Unfit, str(change))
        found = judge({"scheduleTimeZone": "UTC"}, job("b"), job("a", "b"), patches="a")
        self.assertIsInstance(found, Unfit)

    def test_restored(self) -> None:
        """An import brings counters; others do not."""
        document = {**LEAST, "successCount": 3, "lastSuccess": "2026-01-01T00:00:00.500Z"}
        found = judge(document, restores=True)
        assert isinstance(found, Judged)
        self.assertEqual(
            found.restored, Standing(JobName("a"), success_count=3, last_success=WALL + 0.5)
        )
        plain = judge(document)
        assert isinstance(plain, Judged)
        self.assertIsNone(plain.restored)
        self.assertIsInstance(judge({**LEAST, "lastError": "monday"}, restores=True), Unfit)


class TimetableTests(DocumentTests):
    """When a job runs, as documents say it."""

    def timetable_of(self, **more: object) -> object:
        """The timetable of the least document with ``more``."""
        return self.spec_of({**LEAST, **more}).timetable

    def test_starts(self) -> None:
        """Without offset and zone it is UTC; an offset stays; a zone takes the written time."""
        anchor, period = datetime.fromisoformat("2026-01-02T06:00"), Period(days=1)
        for text, zone, expected in (
            ("R/2026-01-02T06:00/P1D", "", Repeating(anchor, period)),
            ("R/2026-01-02T06:00+01:00/P1D", "", Repeating(anchor, period, offset_s=3600)),
            (
                "R/2026-01-02T06:00Z/P1D",
                "PST",
                Repeating(anchor, period, None, "America/Los_Angeles"),
            ),
        ):
            self.assertEqual(self.timetable_of(schedule=text, scheduleTimeZone=zone), expected)

    def test_empty_start(self) -> None:
        """An empty start is now, and stays so in an edit with the same count and period."""
        now = Repeating(datetime.fromisoformat("2026-01-01"), Period(hours=1), 3)
        self.assertEqual(self.timetable_of(schedule="R3//PT1H"), now)
        earlier = replace(now, anchor=datetime.fromisoformat("2025-12-31"))
        known = Job(replace(spec("a"), timetable=earlier), STAMP, STAMP)
        for text, expected in (("R3//PT1H", earlier), ("R4//PT1H", replace(now, count=4))):
            one = self.spec_of({**LEAST, "schedule": text}, known)
            self.assertEqual(one.timetable, expected)

    def test_empty_start_in_doubt(self) -> None:
        """In the second of two hours, one that needs no zone still begins now."""
        state = ChronosState()
        # 2026-10-25T01:30:00Z, when it is 2:30 in Berlin for the second time.
        now = Instant(1_792_891_800_000)
        for period, late in (("PT1H", 0), ("P1D", 3_600_000)):
            document = {**LEAST, "schedule": f"R//{period}", "scheduleTimeZone": "Europe/Berlin"}
            found = judged(JobAsked(document=document), None, state, FLAGS, now)
            assert isinstance(found, Judged)
            assert found.spec.timetable is not None
            self.assertEqual(timetables.first(found.spec.timetable), now - late)

    def test_shown_text(self) -> None:
        """The text that was shown keeps the timetable; another zone, count or start does not."""
        text = "R/2026-01-03T00:00:00.000Z/P1D"
        known = job("a")
        same = judge({**LEAST, "schedule": text}, known, passed=2)
        assert isinstance(same, Judged)
        self.assertTrue(same.is_same_timetable)
        for more in (
            {"schedule": text, "scheduleTimeZone": "Europe/Berlin"},
            {"schedule": "R5/2026-01-03T00:00:00.000Z/P1D"},
            {"schedule": "R/2026-01-04T00:00:00.000Z/P1D"},
            {"schedule": "R/2026-01-03T00:00:00.000Z/P2D"},
        ):
            found = judge({**LEAST, **more}, known, passed=2)
            assert isinstance(found, Judged)
            self.assertFalse(found.is_same_timetable, str(more))

    def test_zone_changed(self) -> None:
        """A change of the zone alone keeps the time of day of what is left."""
        found = judge({"scheduleTimeZone": "Europe/Berlin"}, job("a"), patches="a", passed=2)
        assert isinstance(found, Judged)
        self.assertEqual(
            found.spec.timetable,
            Repeating(datetime.fromisoformat("2026-01-03"), Period(days=1), zone="Europe/Berlin"),
        )

    def test_cron(self) -> None:
        """A cron is resolved, begins now, and goes on when it is asked for again."""
        crons = {"schedule": "", "cron": ["@daily", "30 6 * * 1"], "excludeDates": ["2026-12-25"]}
        one = self.spec_of({**LEAST, **crons, "scheduleTimeZone": "Europe/Berlin"})
        t = one.timetable
        assert isinstance(t, Cron)
        self.assertEqual((t.expressions, t.since), (("0 0 * * *", "30 6 * * 1"), NOW))
        self.assertEqual(
            (t.zone, [str(day) for day in t.without]), ("Europe/Berlin", ["2026-12-25"])
        )
        older = replace(one, timetable=replace(t, since=Instant(NOW - 5)))
        known = Job(older, STAMP, STAMP)
        zone = {"scheduleTimeZone": "Europe/Berlin"}
        for more in ({**crons, **zone}, {"schedule": "", **zone}):
            self.assertEqual(self.spec_of({**LEAST, **more}, known).timetable, older.timetable)
        without = {**crons, **zone, "excludeDates": None}
        self.assertEqual(self.spec_of({**LEAST, **without}, known).timetable, older.timetable)
        other = self.spec_of({"cron": "@hourly"}, known, patches="a")
        self.assertEqual(other.timetable, replace(t, expressions=("0 * * * *",)))
