"""Jobs that are asked for, changed, removed, enabled and disabled, each in one turn."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import wishing
from mesostw.core.chronos.changes import (
    ChronosChange,
    JobChanged,
    RunChanged,
    StandingChanged,
    VersionKept,
)
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.live import Live
from mesostw.core.chronos.records import Arrival, RunState, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import (
    Dialect,
    Done,
    EnablingAsked,
    JobAsked,
    JobRemovalAsked,
    Kept,
    Removed,
)
from mesostw.core.framework.naming import Names
from mesostw.core.framework.refusing import Unfit
from mesostw.core.outcome import Moment
from mesostw.model.jobs import Instant, JobName, Occasion, RunId
from tests.core.chronos.builders import DAILY, STAMP, WALL, job, run

A, B, C = JobName("a"), JobName("b"), JobName("c")
DAY = 86_400_000
NOW = Instant(int(WALL * 1000))
LEAST: Mapping[str, object] = {
    "name": "a",
    "command": "true",
    "schedule": "R/2026-01-01T00:00:00.000Z/P1D",
}


class WishingTests(SynchronousTestCase):
    """One state, and turns on it."""

    def setUp(self) -> None:
        """Nothing is there at the beginning."""
        self.state = ChronosState()
        self.flags = ChronosFlags(versions_max=3)
        self.live = Live()
        self.now = WALL

    def turn(self) -> Turn:
        """A turn, a second after the last one."""
        self.now += 1
        names = Names(int(self.now).to_bytes(8, "big"))
        now = Moment(self.now, self.now)
        return Turn(self.flags, self.state, self.live, names, Random(1), now)

    def given(self, *changes: ChronosChange) -> None:
        """What is there already."""
        for change in changes:
            self.state.apply(change)

    def ask(self, more: Mapping[str, object], **how: object) -> Kept | Unfit:
        """Ask for the least job with ``more``."""
        asked = JobAsked(document={**LEAST, **more}, dialect=Dialect.V3)
        return wishing.job_asked(self.turn(), replace(asked, **how))

    def kept(self, more: Mapping[str, object], **how: object) -> Kept:
        """The same, which is done."""
        found = self.ask(more, **how)
        assert isinstance(found, Kept), found
        return found

    def reason_of(self, found: object) -> str:
        """Why something was not done."""
        assert isinstance(found, Unfit), found
        return found.reason


class AskedTests(WishingTests):
    """A job is asked for."""

    def test_new(self) -> None:
        """A new job has a version, which it began with, and is due at its first instant."""
        found = self.kept({"unknown": 1}, by="me")
        self.assertTrue(found.created)
        self.assertEqual(found.job, self.state.jobs[A])
        self.assertEqual((found.job.version, found.job.by), (found.job.created, "me"))
        self.assertEqual(found.instants, tuple(NOW + DAY * number for number in range(5)))
        self.assertEqual(found.ignored, ("unknown",))
        self.assertEqual(self.state.standings[A], Standing(A, due=NOW))
        self.assertEqual(list(self.state.versions[A]), [found.job.version])
        self.assertIn(A, self.live.marked)

    def test_edited(self) -> None:
        """Another version begins as the first did, and goes on where it was, with its counters."""
        first = self.kept({})
        standing = Standing(A, due=Instant(NOW + DAY), passed=1, success_count=4, durations=b"1234")
        self.given(StandingChanged(standing))
        found = self.kept({"owner": "x@y.z"})
        self.assertFalse(found.created)
        self.assertEqual(found.job.created, first.job.version)
        self.assertGreater(found.job.version, first.job.version)
        self.assertEqual(self.state.standings[A], standing)
        self.assertEqual(len(self.state.versions[A]), 2)

    def test_unchanged(self) -> None:
        """The same document again makes no version, and nothing of it is written."""
        first = self.kept({})
        turn = self.turn()
        found = wishing.job_asked(turn, JobAsked(document=LEAST, dialect=Dialect.V3))
        assert isinstance(found, Kept)
        self.assertEqual((found.job, found.created, turn.changes), (first.job, False, []))

    def test_only_judged(self) -> None:
        """What is only judged is told, and changes nothing."""
        turn = self.turn()
        asked = JobAsked(document=LEAST, dialect=Dialect.V3, dry_run=True)
        found = wishing.job_asked(turn, asked)
        assert isinstance(found, Kept)
        self.assertEqual((found.created, found.job.version, found.instants[0]), (True, "", NOW))
        self.assertEqual((turn.changes, self.state.jobs), ([], {}))

    def test_versions(self) -> None:
        """So many versions are kept, the oldest go first."""
        versions = [self.kept({"retries": number}).job.version for number in range(5)]
        self.assertEqual(list(self.state.versions[A]), versions[-3:])

    def test_expected(self) -> None:
        """Another version than was expected is told, and nothing done."""
        self.assertEqual(self.reason_of(self.ask({}, expects="x")), "outdated")
        version = self.kept({}, expects="").job.version
        self.assertEqual(self.reason_of(self.ask({"retries": 1}, expects="")), "outdated")
        self.assertEqual(self.reason_of(self.ask({"retries": 1}, expects=STAMP)), "outdated")
        self.assertEqual(self.kept({"retries": 1}, expects=version).job.spec.retries, 1)

    def test_refused(self) -> None:
        """A document with faults, and a change to no job, change nothing."""
        self.assertEqual(self.reason_of(self.ask({"retries": -1})), "malformed")
        self.assertEqual(self.reason_of(self.ask({"schedule": "x"})), "invalid")
        self.assertEqual(self.reason_of(self.ask({}, patches=B)), "unknown")
        self.assertEqual((self.state.jobs, self.state.standings), ({}, {}))

    def test_changed_in_part(self) -> None:
        """A change that names one field leaves all others."""
        before = self.kept({"owner": "x@y.z"}).job.spec
        asked = JobAsked(document={"retries": 5}, patches=A)
        found = wishing.job_asked(self.turn(), asked)
        assert isinstance(found, Kept)
        self.assertEqual(found.job.spec, replace(before, retries=5))

    def test_restored(self) -> None:
        """An import brings counters, also of a job that is the same otherwise."""
        self.kept({})
        found = self.kept({"successCount": 8, "errorsSinceLastSuccess": 2}, restores=True)
        standing = self.state.standings[A]
        self.assertEqual((standing.success_count, standing.errors_since_last_success), (8, 2))
        self.assertEqual(len(self.state.versions[A]), 1)
        self.assertFalse(found.created)


class TimetableTests(WishingTests):
    """A job with another timetable."""

    def served(self, count: int) -> None:
        """So many instants of the least job are behind."""
        self.kept({})
        self.given(StandingChanged(Standing(A, due=Instant(NOW + DAY * count), passed=count)))

    def test_another(self) -> None:
        """Another timetable begins anew."""
        self.served(3)
        self.kept({"schedule": "R/2026-02-01T00:00:00Z/P1D"})
        self.assertEqual(self.state.standings[A], Standing(A, due=Instant(NOW + 31 * DAY)))

    def test_same_anchor(self) -> None:
        """What was served of the same anchor is not served again."""
        self.served(3)
        self.kept({"schedule": "R10/2026-01-01T00:00:00Z/PT12H"})
        due = Instant(NOW + 2 * DAY + DAY // 2)
        self.assertEqual(self.state.standings[A], Standing(A, due=due, passed=5))

    def test_begins_with_one_of_its_own(self) -> None:
        """Nor is it, if the new one begins with an instant that the old one had."""
        self.served(3)
        self.kept({"schedule": "R5/2026-01-02T00:00:00Z/P1D"})
        self.assertEqual(self.state.standings[A], Standing(A, due=Instant(NOW + 3 * DAY), passed=2))

    def test_used_up(self) -> None:
        """With all of its instants served it has none left."""
        self.served(3)
        found = self.kept({"schedule": "R2/2026-01-01T00:00:00Z/P1D"})
        self.assertEqual(self.state.standings[A], Standing(A, due=None, passed=2))
        self.assertEqual(found.instants, ())

    def test_dependent(self) -> None:
        """A job that has parents now is due at no time."""
        self.served(3)
        self.given(JobChanged(job("b")))
        self.kept({"schedule": None, "parents": ["b"]})
        self.assertEqual(self.state.standings[A], Standing(A))
        self.assertEqual(list(self.state.children_of(B)), [A])


class RemovalTests(WishingTests):
    """A job goes."""

    def removed(self, name: JobName) -> Removed:
        """What became of it."""
        found = wishing.removal_asked(self.turn(), JobRemovalAsked(name=name))
        assert isinstance(found, Removed), found
        return found

    def test_forgotten(self) -> None:
        """Versions, standing and ended runs are forgotten; a run that is out is being ended."""
        self.kept({})
        created = self.state.jobs[A].created
        out = replace(run(1, state=RunState.RUNNING), incarnation=created)
        self.given(
            RunChanged(out),
            RunChanged(replace(run(2, state=RunState.FAILED), incarnation=created)),
        )
        self.assertEqual(self.removed(A), Removed((), (out.id,)))
        state = self.state
        self.assertEqual((state.jobs, state.versions, state.standings), ({}, {}, {}))
        self.assertEqual((list(state.runs), state.ended), ([out.id], {}))
        self.assertIn(A, self.live.marked)

    def test_dependents(self) -> None:
        """Dependents take its timetable from where it is, or lose it among other parents."""
        self.given(
            JobChanged(job("a")),
            StandingChanged(Standing(A, due=Instant(NOW + DAY), passed=1)),
            JobChanged(job("x")),
            JobChanged(job("b", "a")),
            StandingChanged(Standing(B, arrived=(Arrival(A, RunId("r"), WALL),))),
            JobChanged(job("c", "a", "x")),
        )
        self.assertEqual(self.removed(A), Removed((B, C), ()))
        self.assertEqual(self.state.jobs[B].spec.timetable, DAILY)
        self.assertEqual(self.state.standings[B], Standing(B, due=Instant(NOW + DAY), passed=1))
        self.assertEqual(self.state.jobs[C].spec.parents, ("x",))
        self.assertEqual(list(self.state.children), ["x"])
        self.assertEqual(len(self.state.versions[B]), 1)

    def test_dependents_of_a_disabled_one(self) -> None:
        """What has passed while it was disabled is not caught up with by its dependents."""
        gone = job("a")
        self.given(
            JobChanged(replace(gone, spec=replace(gone.spec, disabled=True))),
            StandingChanged(Standing(A, due=NOW)),
            JobChanged(job("b", "a")),
        )
        self.assertEqual(self.removed(A), Removed((B,), ()))
        self.assertEqual(self.state.standings[B], Standing(B, due=Instant(NOW + DAY), passed=1))

    def test_refused(self) -> None:
        """One that is not there, or of another version, is not removed."""
        self.kept({})
        for asked, reason in (
            (JobRemovalAsked(name=B), "unknown"),
            (JobRemovalAsked(name=A, expects=STAMP), "outdated"),
        ):
            self.assertEqual(self.reason_of(wishing.removal_asked(self.turn(), asked)), reason)
        self.assertEqual(list(self.state.jobs), [A])


class EnablingTests(WishingTests):
    """A job may run, or not."""

    def test_asked(self) -> None:
        """Who asks is told whether anything changed; why it is disabled is known."""
        self.kept({})
        for enabled, changed, because in (
            (False, True, "asked"),
            (False, False, "asked"),
            (True, True, ""),
            (True, False, ""),
        ):
            found = wishing.enabling_asked(self.turn(), EnablingAsked(name=A, enabled=enabled))
            self.assertEqual(found, Done(changed))
            self.assertIs(self.state.jobs[A].spec.disabled, not enabled)
            self.assertEqual(self.state.standings[A].disabled_because, because)
        missing = wishing.enabling_asked(self.turn(), EnablingAsked(name=B, enabled=True))
        self.assertEqual(self.reason_of(missing), "unknown")

    def test_by_document(self) -> None:
        """A document says it too, and one that says the same leaves why."""
        self.kept({"disabled": True})
        self.assertEqual(self.state.standings[A].disabled_because, "asked")
        self.given(StandingChanged(replace(self.state.standings[A], disabled_because="finished")))
        self.kept({"disabled": True, "retries": 7})
        self.assertEqual(self.state.standings[A].disabled_because, "finished")
        self.kept({})
        self.assertEqual(self.state.standings[A].disabled_because, "")

    def test_failures(self) -> None:
        """Disabled after failures its owner is told; enabled again it counts them anew."""
        self.flags = ChronosFlags(tells_owners=True)
        self.kept({"owner": "x@y.z"})
        self.given(StandingChanged(replace(self.state.standings[A], errors_since_last_success=3)))
        turn = self.turn()
        wishing.disable(turn, self.state.jobs[A], "failures")
        self.assertTrue(self.state.jobs[A].spec.disabled)
        self.assertEqual(self.state.standings[A].disabled_because, "failures")
        occasions = [notice.occasion for notice in self.state.notices.values()]
        self.assertEqual(occasions, [Occasion.DISABLED])
        wishing.enabling_asked(self.turn(), EnablingAsked(name=A, enabled=True))
        self.assertEqual(self.state.standings[A].errors_since_last_success, 0)

    def test_version(self) -> None:
        """Being disabled is a version of its own."""
        self.kept({})
        turn = self.turn()
        wishing.enabling_asked(turn, EnablingAsked(name=A, enabled=False, by="me"))
        kept = [change.job for change in turn.changes if isinstance(change, VersionKept)]
        self.assertEqual([one.by for one in kept], ["me"])
