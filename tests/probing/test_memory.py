"""Scripted probes keep what every prober promises; the beat, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase, TestCase

from mesostw.core.probes import ProbeKey, ProbeKind, ProbeSpec
from mesostw.probing.memory import Scripted, memory_prober
from mesostw.probing.prober import INTERVAL_MIN_S, Prober
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import prober as contracts

SCRIPT = {
    "answers": Scripted(content_type=contracts.CONTENT_TYPE, body=contracts.BODY),
    "fails": Scripted(status=503),
    "silent": Scripted(after_s=None),
    "absent": Scripted(error="connection refused"),
}
K = ProbeKey("k")


def of_host(spec: ProbeSpec) -> Scripted:
    """What the host's name says."""
    if spec.host == "silent" and spec.kind is ProbeKind.TCP:
        return Scripted()
    return SCRIPT[spec.host]


class MemoryProberTests(contracts.ProberContract, TestCase):
    """The contract, in virtual time."""

    def setUp(self) -> None:
        self.clock = HeapClock()

    def make(self, told: contracts.Told, concurrent_max: int = 256) -> Prober:
        return memory_prober(self.clock, told.tell, of_host, concurrent_max)

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(100_000):
            if condition():
                return
            self.clock.advance(0.001)
        self.fail("it took too long")

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def address(self, peer: contracts.PeerKind) -> tuple[str, int]:
        return peer.value, 80


class BeatTests(SynchronousTestCase):
    """When each probe asks."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.asked: list[float] = []
        self.takes_s: float | None = 0.5
        self.told = contracts.Told()
        self.prober = memory_prober(self.clock, self.told.tell, self._script)

    def _script(self, spec: ProbeSpec) -> Scripted:
        self.asked.append(self.clock.seconds())
        return Scripted(after_s=self.takes_s)

    def start(self, key: ProbeKey = K, **others: object) -> None:
        fields = {"delay_s": 1.0, "interval_s": 2.0, "timeout_s": 20.0, **others}
        spec = ProbeSpec(kind=ProbeKind.HTTP, host="h", port=80, **fields)  # type: ignore[arg-type]
        self.prober.start(key, spec)

    def test_from_the_end(self) -> None:
        """The interval passes between the end of one and the next."""
        self.start(from_end=True)
        self.clock.advance(8.0)
        self.assertEqual(self.asked, [1.0, 3.5, 6.0])

    def test_fixed_beat(self) -> None:
        """The interval passes from the start of one to the next."""
        self.start()
        self.clock.advance(8.0)
        self.assertEqual(self.asked, [1.0, 3.0, 5.0, 7.0])

    def test_missed_beats(self) -> None:
        """A probe that takes longer than a beat misses those it takes, and keeps its beat."""
        self.takes_s = 4.5
        self.start()
        self.clock.advance(12.0)
        self.assertEqual(self.asked, [1.0, 7.0])

    def test_timeout_is_counted_from_the_question(self) -> None:
        """The longest wait is that of the spec; 0 waits for ever."""
        self.takes_s = None
        self.start(timeout_s=1.5, from_end=True)
        self.start(ProbeKey("endless"), timeout_s=0.0)
        self.clock.advance(6.5)
        self.assertEqual(self.asked, [1.0, 1.0, 4.5])
        self.assertEqual({one.key for one in self.told}, {K})

    def test_shortest_interval(self) -> None:
        """An interval of 0 is no endless loop."""
        self.takes_s = 0.0
        self.start(interval_s=0.0, from_end=True)
        self.clock.advance(1.0 + 10 * INTERVAL_MIN_S + 0.001)
        self.assertEqual(len(self.asked), 11)

    def test_crowd(self) -> None:
        """Thousands that are started at once ask one after the other, and keep their places."""
        for number in range(2_500):
            self.start(ProbeKey(str(number)), interval_s=30.0)
        self.clock.advance(90.0)
        self.assertEqual(len(self.asked), 7_500)
        for first in range(0, 7_500, 2_500):
            beat = self.asked[first : first + 2_500]
            self.assertAlmostEqual(beat[-1] - beat[0], 5.0, places=1)
            rate = max(sum(1 for at in beat if 0 <= at - start < 0.1) for start in beat[::250])
            self.assertLessEqual(rate, 55)

    def test_room_of_the_stopped(self) -> None:
        """When one is stopped that asks, the next in line asks at once."""
        self.takes_s = None
        self.prober = memory_prober(self.clock, self.told.tell, self._script, concurrent_max=1)
        self.start(timeout_s=0.0)
        self.start(ProbeKey("next"), timeout_s=0.0)
        self.clock.advance(5.0)
        self.assertEqual(self.asked, [1.0])
        self.prober.stop(K)
        self.assertEqual(self.asked, [1.0, 5.0])

    def test_few_are_not_delayed(self) -> None:
        """A probe among few asks exactly when it is due."""
        for number in range(5):
            self.start(ProbeKey(str(number)))
        self.clock.advance(1.0)
        self.assertEqual(self.asked, [1.0] * 5)
