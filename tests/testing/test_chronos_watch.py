"""What is remembered of Chronos' runs, and of which life nothing can be judged."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from mesostw.core.chronos.changes import RunChanged, RunForgotten
from mesostw.core.chronos.flags import ChronosFlags
from mesostw.core.chronos.machine import Chronos
from mesostw.core.chronos.records import RunState
from mesostw.testing.chronos import ChronosCluster, ChronosProgram
from mesostw.testing.chronos_watch import Memory, Overheard
from mesostw.testing.lives import Parts, Surroundings
from tests.core.chronos.builders import run


class DiaryTests(SynchronousTestCase):
    """A disk that never forgets a run."""

    def setUp(self) -> None:
        self.around = Surroundings(1, Parts())
        self.memory = Memory(self.around, "chronos")
        self.diary = self.memory.disk
        self.core = self.begin()
        self.ended = run(1, state=RunState.SUCCEEDED)

    def begin(self) -> Overheard:
        """Another life."""
        core = Chronos(ChronosFlags(), bytes(8), Random(1))
        return Overheard(core, self.memory)

    def test_forgotten_in_one_group(self) -> None:
        """A run that ends and is forgotten in one group is on no disk, and remembered."""
        for change in (RunChanged(self.ended), RunForgotten(self.ended)):
            write = self.core.write_of(change)
            assert write is not None
        self.assertEqual(self.diary.runs, {})
        self.diary.keep([(write.key, None)])
        self.assertEqual(self.diary.runs, {self.ended.id: self.ended})

    def test_said_and_not_kept(self) -> None:
        """What a life said and did not keep was never so."""
        write = self.core.write_of(RunChanged(self.ended))
        assert write is not None
        self.begin()
        self.diary.keep([(write.key, None)])
        self.assertEqual(self.diary.runs, {})


class RestTests(SynchronousTestCase):
    """When a cluster is judged."""

    def test_nothing_is_kept_yet(self) -> None:
        """Readers of a life that has kept nothing see no job; that is no sign that one is gone."""
        cluster = ChronosCluster(1)
        (program,) = cluster.programs
        assert isinstance(program, ChronosProgram)
        cluster.start_dead()
        self.assertEqual(program.unrest(), ["chronos has not begun"])
        cluster.around.clock.advance(1.0)
        self.assertEqual(program.unrest(), ["probe is not there"])
