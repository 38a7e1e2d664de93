"""The stream of what happens."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import (
    ChronosChange,
    JobChanged,
    JobRemoved,
    LifeBegun,
    NoticeKept,
    PauseChanged,
    Restored,
    RunChanged,
    StandingChanged,
    Told,
)
from mesostw.core.chronos.events import (
    NoticeSettled,
    SchedulerDisconnected,
    SchedulerRegistered,
    StatusIgnored,
)
from mesostw.core.chronos.records import Life, Notice, Pause, RunState
from mesostw.http.api.readers import HEARTBEAT_S
from mesostw.messages import TaskState
from mesostw.model.ids import FrameworkId
from mesostw.model.jobs import JobName, NoticeId, Occasion
from tests.http.chronos.world import WALL, ChronosWorld, job, run, standing
from tests.http.world import Answer, Visit

A = JobName("a")
PATH = "/v1/chronos/events"
NOTICE = Notice(NoticeId("n"), Occasion.FAILURE, A, WALL, "subject", "text")
SETTLED = NoticeSettled(at=WALL, notice_id=NoticeId("n"), job=A, delivered=True, detail="")
IGNORED = StatusIgnored(at=WALL, task_id="t", state=TaskState.TASK_LOST, why="unknown")
REGISTERED = SchedulerRegistered(
    at=WALL, framework_id=FrameworkId("F"), master="10.0.0.1:5050", again=False
)

#: Every change that is told, and as what.
KINDS: tuple[tuple[ChronosChange, str], ...] = (
    (JobChanged(job("a")), "job_changed"),
    (StandingChanged(standing("a")), "standing_changed"),
    (RunChanged(run(1)), "run_changed"),
    (PauseChanged(Pause(WALL)), "paused"),
    (PauseChanged(None), "paused"),
    (LifeBegun(Life(2)), "life_begun"),
    (NoticeKept(NOTICE), "notice_kept"),
    (Told(SETTLED), "notice_settled"),
    (Told(IGNORED), "status_ignored"),
    (Told(REGISTERED), "registered"),
    (Told(SchedulerDisconnected(at=WALL)), "disconnected"),
    (JobRemoved(A), "job_removed"),
)


def read(answer: Answer) -> list[tuple[str, str, dict[str, object]]]:
    """Number, kind and data of every event so far."""
    found = []
    for block in b"".join(answer.chunks).split(b"\r\n\r\n"):
        lines = dict(line.split(b": ", 1) for line in block.strip().split(b"\r\n") if line)
        if lines:
            data = msgspec.json.decode(lines[b"data"])
            found.append((lines[b"id"].decode(), lines[b"event"].decode(), data))
    return found


class EventsTests(SynchronousTestCase):
    """One site and its readers."""

    def setUp(self) -> None:
        self.world = ChronosWorld()

    def attach(self, query: str = "", last: str = "") -> Visit:
        visit = self.world.visit()
        headers = {"last-event-id": last} if last else {}
        visit.ask("GET", PATH + query, headers=headers)
        return visit

    def kinds(self, visit: Visit) -> list[str]:
        return [kind for _, kind, _ in read(visit.now())]

    def test_kinds(self) -> None:
        """Every change that readers care for is an event; what a store had already is none."""
        visit = self.attach()
        for change, _ in KINDS:
            self.world.publish(change)
        self.world.publish(Restored(RunChanged(run(2))))
        self.assertEqual(self.kinds(visit), [kind for _, kind in KINDS])

    def test_run(self) -> None:
        """A run is told as a whole."""
        visit = self.attach()
        self.world.add(run(1, state=RunState.RUNNING))
        (_, _, data) = read(visit.now())[0]
        self.assertEqual((data["id"], data["state"], data["job"]), ("run-1-0", "running", "a"))

    def test_chosen(self) -> None:
        """Readers hear of the types and jobs that they name."""
        of_b, runs = self.attach("?job=b"), self.attach("?event_type=run_changed,paused")
        self.world.add(job("a"), job("b"), run(1, "a"), run(2, "b"))
        self.world.publish(PauseChanged(None))
        self.assertEqual(self.kinds(of_b), ["job_changed", "run_changed"])
        self.assertEqual(self.kinds(runs), ["run_changed", "run_changed", "paused"])

    def test_back(self) -> None:
        """Who comes back hears what was missed, once."""
        visit = self.attach()
        self.world.add(run(1))
        last = read(visit.now())[0][0]
        visit.hang_up()
        self.world.add(run(2), run(3))
        again = self.attach(last=last)
        self.world.add(run(4))
        ids = [data["id"] for _, _, data in read(again.now())]
        self.assertEqual(ids, ["run-2-0", "run-3-0", "run-4-0"])

    def test_too_late(self) -> None:
        """Who names what is not known any more is told to read anew."""
        for last in ("chronos-0/7", "nonsense", "chronos-1/999", "chronos-1/x"):
            self.assertEqual(self.kinds(self.attach(last=last)), ["resync"], last)

    def test_alive(self) -> None:
        """A stream without events shows that it lives."""
        visit = self.attach()
        self.world.clock.advance(HEARTBEAT_S)
        self.assertEqual(b"".join(visit.now().chunks), b"\r\n")

    def test_methods(self) -> None:
        """It is only read, and only as a stream."""
        self.assertEqual(self.world.ask("POST", PATH, {}).code, 405)
        self.assertEqual(self.world.get(PATH, accept="application/json").code, 406)

    def test_changed(self) -> None:
        """What a job's event says of it is what it is now."""
        visit = self.attach()
        known = job("a")
        self.world.add(replace(known, by="ann", spec=replace(known.spec, disabled=True)))
        (_, _, data) = read(visit.now())[0]
        self.assertEqual((data["by"], data["disabled"]), ("ann", True))
