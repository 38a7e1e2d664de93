"""Who is told what of a job, and that nobody is forgotten over a restart."""

from random import Random

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos import notices
from mesostw.core.chronos.changes import JobChanged, NoticeForgotten, NoticeKept, RunChanged, Told
from mesostw.core.chronos.events import NoticeSettled
from mesostw.core.chronos.flags import NOTICES_MAX, ChronosFlags
from mesostw.core.chronos.live import Live
from mesostw.core.chronos.records import Cause, Job, Notice, RunState, Standing
from mesostw.core.chronos.state import ChronosState
from mesostw.core.chronos.turn import Turn
from mesostw.core.chronos.words import Notified, Notify
from mesostw.core.framework.naming import Names
from mesostw.core.outcome import Moment
from mesostw.model.jobs import Channel, Hook, JobName, NoticeId, Occasion
from tests.core.chronos.builders import WALL, job, run

HOOK = Hook(channel=Channel.WEBHOOK, target="http://there/", occasions=tuple(Occasion))
BEFORE = Standing(JobName("a"), error_count=1, errors_since_last_success=1)


def turn_of(flags: ChronosFlags, wall: float = WALL) -> Turn:
    """A turn over a state with nothing in it."""
    now = Moment(steady=0.0, wall=wall)
    return Turn(flags, ChronosState(), Live(), Names(b"nonce..."), Random(1), now)


def hooked(*hooks: Hook, **fields: object) -> Job:
    """A job with somebody to tell."""
    known = job("a")
    return replace(known, spec=replace(known.spec, owner="x@y, z@y,", hooks=hooks, **fields))


class ToldTests(SynchronousTestCase):
    """Ends, and what else happens to a job."""

    def setUp(self) -> None:
        self.turn = turn_of(ChronosFlags(tells_owners=True))

    def told(self) -> list[Notice]:
        """What is to be brought; all of it is kept too."""
        found = [one.notice for one in self.turn.out.effects if isinstance(one, Notify)]
        kept = [one.notice for one in self.turn.changes if isinstance(one, NoticeKept)]
        self.assertEqual(found, kept)
        return found

    def occasions(self) -> list[Occasion]:
        return [one.occasion for one in self.told()]

    def test_owners_hear_of_exhausted_failures(self) -> None:
        """A failure that counts is told to every address of the owner."""
        after = replace(BEFORE, error_count=2, errors_since_last_success=2, last_error=WALL)
        notices.ended(self.turn, hooked(), BEFORE, after, run(1, state=RunState.FAILED, attempt=2))
        (notice,) = self.told()
        self.assertEqual(notice.occasion, Occasion.FAILURE)
        self.assertEqual(notice.to, ("x@y", "z@y"))
        self.assertIsNone(notice.hook)
        self.assertIn("Retries attempted: 2", notice.text)
        self.assertEqual(notice.fields["errorCount"], "2")
        self.assertEqual(notice.fields["lastError"], "2026-01-01T00:00:00.000Z")
        self.assertEqual(len(notice.fields), 16)
        self.assertEqual(set(map(type, notice.fields.values())), {str})

    def test_a_failure_that_is_retried_is_not_told(self) -> None:
        """Nobody hears of an attempt that another follows."""
        notices.ended(self.turn, hooked(HOOK), BEFORE, BEFORE, run(1, state=RunState.FAILED))
        self.assertEqual(self.told(), [])

    def test_owners_do_not_hear_of_success(self) -> None:
        """As the original, success is no news; and a job with hooks tells only those."""
        good = replace(BEFORE, errors_since_last_success=0)
        notices.ended(self.turn, hooked(), BEFORE, good, run(1, state=RunState.SUCCEEDED))
        notices.removed(self.turn, hooked(replace(HOOK, occasions=(Occasion.LATE,))))
        self.assertEqual(self.told(), [])

    def test_hooks_hear_what_they_name(self) -> None:
        """Success, recovery after failures, and instants that were skipped."""
        good = replace(BEFORE, errors_since_last_success=0)
        notices.ended(self.turn, hooked(HOOK), BEFORE, good, run(1, state=RunState.SUCCEEDED))
        notices.ended(self.turn, hooked(HOOK), good, good, run(2, state=RunState.SUCCEEDED))
        notices.ended(self.turn, hooked(HOOK), good, good, run(3, state=RunState.SKIPPED))
        self.assertEqual(
            self.occasions(),
            [Occasion.SUCCESS, Occasion.RECOVERY, Occasion.SUCCESS, Occasion.SKIPPED],
        )
        self.assertEqual({one.hook for one in self.told()}, {HOOK})
        self.assertEqual(len({one.id for one in self.told()}), 4)

    def test_disabled_and_removed(self) -> None:
        """Owners hear that their job runs no more, and why."""
        notices.disabled(self.turn, hooked(), "failures")
        notices.removed(self.turn, hooked(), "ann")
        self.assertEqual(self.occasions(), [Occasion.DISABLED, Occasion.REMOVED])
        self.assertIn("failed too often", self.told()[0].text)
        self.assertIn("by ann", self.told()[1].text)

    def test_nobody_to_tell(self) -> None:
        """Without a way to tell owners nothing is kept."""
        self.turn = turn_of(ChronosFlags())
        notices.disabled(self.turn, hooked(), "asked")
        self.assertEqual(self.told(), [])


class OverdueTests(SynchronousTestCase):
    """Runs that are late or take long."""

    def test_once_each(self) -> None:
        """A run is told to be late once; before, the second at which it will be is known."""
        wished = hooked(late_after_seconds=10.0, long_after_seconds=20.0)
        turn = turn_of(ChronosFlags(tells_owners=True), WALL + 5)
        turn.change(JobChanged(wished))
        turn.change(RunChanged(run(0)))
        self.assertEqual(notices.looked_at(turn, wished), WALL + 10)
        self.assertEqual(turn.state.notices, {})
        turn.now = Moment(steady=5.0, wall=WALL + 10)
        self.assertIsNone(notices.looked_at(turn, wished))
        self.assertIsNone(notices.looked_at(turn, wished))
        (notice,) = turn.state.notices.values()
        self.assertEqual(notice.occasion, Occasion.LATE)

        begun = replace(next(iter(turn.state.runs.values())), started_at=WALL + 11)
        turn.change(RunChanged(replace(begun, state=RunState.RUNNING)))
        self.assertEqual(notices.looked_at(turn, wished), WALL + 31)
        turn.now = Moment(steady=5.0, wall=WALL + 31)
        self.assertIsNone(notices.looked_at(turn, wished))
        found = [one.occasion for one in turn.state.notices.values()]
        self.assertEqual(found, [Occasion.LATE, Occasion.LONG])

    def test_what_is_late_by_itself(self) -> None:
        """Retries and backfills are never told to be late."""
        wished = hooked(late_after_seconds=1.0)
        turn = turn_of(ChronosFlags(tells_owners=True), WALL + 100)
        turn.change(RunChanged(run(0, attempt=1)))
        turn.change(RunChanged(replace(run(1), cause=Cause.BACKFILL)))
        self.assertIsNone(notices.looked_at(turn, wished))
        self.assertEqual(turn.state.notices, {})


class OutboxTests(SynchronousTestCase):
    """Notices wait until they are told, and are not without end."""

    def test_settled(self) -> None:
        """A notice that was brought is forgotten and told of; a second word changes nothing."""
        turn = turn_of(ChronosFlags(tells_owners=True))
        notices.removed(turn, hooked())
        (notice_id,) = turn.state.notices
        notices.notified(turn, Notified(notice_id, True, "mail"))
        notices.notified(turn, Notified(notice_id, True, "mail"))
        self.assertEqual(turn.state.notices, {})
        told = [one.event for one in turn.changes if isinstance(one, Told)]
        self.assertEqual([isinstance(one, NoticeSettled) for one in told], [True])

    def test_restored(self) -> None:
        """What an earlier life had not brought is brought by the next."""
        turn = turn_of(ChronosFlags(tells_owners=True))
        notices.removed(turn, hooked())
        again = turn_of(ChronosFlags())
        again.state.notices = turn.state.notices
        notices.restored(again)
        self.assertEqual(again.out.effects, [Notify(next(iter(turn.state.notices.values())))])

    def test_bounded(self) -> None:
        """The oldest gives way when too many wait."""
        turn = turn_of(ChronosFlags(tells_owners=True))
        notices.removed(turn, hooked())
        (kept,) = turn.state.notices.values()
        for number in range(1, NOTICES_MAX):
            one = replace(kept, id=NoticeId(str(number)))
            turn.state.notices[one.id] = one
        notices.disabled(turn, hooked(), "asked")
        self.assertEqual(len(turn.state.notices), NOTICES_MAX)
        self.assertIn(NoticeForgotten(kept.id), turn.changes)
