"""Each rule of a run on hosts finds what is broken, and nothing where nothing is."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from tests.functional.chronos.evidence import Evidence, Probe
from tests.functional.chronos.nemesis import Harm
from tests.functional.hosts.campaign import Found
from tests.functional.hosts.journal import Told
from tests.functional.hosts.judging import Judgement, judgement
from tests.functional.hosts.layout import BRIEF
from tests.functional.hosts.lookout import Look
from tests.functional.hosts.shop import Change, Sold

FIRST, SECOND = "10.77.0.11:5050", "10.77.0.12:5050"
#: Wall seconds.
BEGAN = 1_000.0


def look(after_s: float, *leaders: str, serves: bool = True, whole: bool = True) -> Look:
    """What was seen some seconds after the beginning."""
    return Look(BEGAN + after_s, leaders or (FIRST,), serves, whole)


def told(**fields: object) -> Told:
    """A task that went well, but for some of it."""
    well = Told(
        task="task-0",
        began_at=BEGAN + 2.5,
        begun=1,
        finished=1,
        states=("TASK_RUNNING", "TASK_FINISHED"),
        end="TASK_FINISHED",
        message="",
    )
    return replace(well, **fields)


FOUND = Found(
    chronos=Evidence(
        topology=BRIEF.layout.topology,
        calls=(),
        tasks=(),
        runs=(),
        jobs={},
        away=(),
        harms=(Harm("halves", ("n1",), BEGAN + 1, BEGAN + 3),),
        probe=Probe(acked_s=0.1, on_time_s=2.0),
        begun=BEGAN,
        read=BEGAN + 60,
    ),
    app=Sold(
        changes=(Change(1, taken=True), Change(2, taken=False), Change(3, taken=True)),
        last=(3, 3, 3, 3),
        broken=(),
        rounds=100,
        waived_s=0.0,
    ),
    told=(told(),),
    looks=(look(0), look(1, serves=False, whole=False), look(2, SECOND, whole=False), look(4)),
    terms=(("2026-01-01T00:00:00Z", 1), ("2026-01-01T00:00:09Z", 2)),
)


class JudgingTests(SynchronousTestCase):
    """One change of the evidence each."""

    def judged(self, **fields: object) -> Judgement:
        """The judgement of a good run, but for some of it."""
        return judgement(replace(FOUND, **fields), BRIEF)

    def assertBroken(self, rule: str, times: int = 1, **fields: object) -> None:
        """That rule is broken and no other."""
        found = self.judged(**fields)
        self.assertEqual([one.rule for one in found.findings], [rule] * times)

    def sold(self, **fields: object) -> Sold:
        """How the app fared, but for some of it."""
        return replace(FOUND.app, **fields)

    def test_good(self) -> None:
        """Nothing is found where nothing is; what a fault did to service is measured."""
        found = self.judged()
        self.assertEqual(found.findings, [])
        (one,) = found.recoveries
        self.assertEqual((one.kind, one.unserved_s, one.whole_s), ("halves", 0.25, 1.0))
        self.assertEqual(one.pause_s, 1.5)
        self.assertEqual((found.changes, found.tasks), (2, 1))

    def test_app(self) -> None:
        """Too few served; something older than what was acknowledged runs, or something refused."""
        self.assertBroken("under-served", app=self.sold(broken=("1 instead of 2 served",)))
        self.assertBroken("forgotten", app=self.sold(last=(1, 1, 1, 1)))
        self.assertBroken("forgotten", app=self.sold(last=(2, 3, 3, 3)))
        self.assertBroken("forgotten", app=self.sold(last=(3, 3, 3)))

    def test_unknown_change(self) -> None:
        """What had no answer may have been done, or not."""
        changes = (*FOUND.app.changes, Change(4, taken=None))
        for last in (3, 4):
            found = self.judged(app=self.sold(changes=changes, last=(last,) * 4))
            self.assertEqual(found.findings, [])

    def test_updates(self) -> None:
        """An end that was never told, or one that is not so."""
        self.assertBroken("lost", told=(told(end=""),))
        self.assertBroken("lost", told=(told(finished=0),))
        self.assertBroken("lost", told=(told(end="TASK_LOST"),))
        gone = told(finished=0, end="TASK_LOST")
        self.assertEqual(self.judged(told=(gone,)).findings, [])

    def test_launches(self) -> None:
        """A task that began twice."""
        self.assertBroken("repeated", told=(told(begun=2),))

    def test_masters(self) -> None:
        """Two that say they lead, for long; and terms that are no terms."""
        two = tuple(look(number / 4, FIRST, SECOND) for number in range(20))
        self.assertBroken("two masters", looks=two)
        self.assertEqual(self.judged(looks=two[:1] + FOUND.looks[3:]).findings, [])
        self.assertBroken("terms", terms=(("a", 1), ("b", 1)))
        self.assertBroken("terms", terms=(("a", 2), ("b", 1)))

    def test_recovery(self) -> None:
        """Everything is there soon, and not only at last."""
        self.assertBroken("partial", looks=(look(0), look(50)))
        self.assertBroken("partial", looks=(look(0), look(50, whole=False)))
