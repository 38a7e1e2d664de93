"""The agent's own effects, and the room that it keeps back."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from mesostw.core.agent.containers import ContainerSpec
from mesostw.core.agent.fetches import FetchSpec
from mesostw.core.agent.words import (
    CancelFetch,
    Fetch,
    ForgetContainer,
    KillContainer,
    Launch,
    Quit,
    RecoverContainers,
    RoomLeft,
)
from mesostw.core.probes import ProbeKey, ProbeKind, ProbeSpec, StartProbe, StopProbe
from mesostw.daemons.agent_effects import ROOM_BYTES_MIN, ROOM_INTERVAL_S, AgentEffects, Room
from mesostw.interfaces import IClock, IFetcher, ILauncher, IProber
from mesostw.messages.commands import URI
from mesostw.model.ids import ContainerId

C = ContainerId("c")
K = ProbeKey("k")
PROBE = ProbeSpec(kind=ProbeKind.TCP, host="h", port=1, interval_s=1.0, timeout_s=1.0)
FETCH = FetchSpec(container_id=C, uris=(URI(value="/a"),), directory="/d")
SPEC = ContainerSpec(container_id=C, argv=("true",), environment={}, directory="/d")


@implementer(IClock)
class Wall(Clock):
    """Virtual time."""

    def wall(self) -> float:
        return self.seconds()


@implementer(ILauncher, IFetcher, IProber)
class Told:
    """Writes down what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def launch(self, spec: ContainerSpec) -> None:
        self.asked.append(("launch", spec))

    def kill(self, container_id: ContainerId, signal: int) -> None:
        self.asked.append(("kill", container_id, signal))

    def forget(self, containers: Sequence[ContainerId]) -> None:
        self.asked.append(("forget", *containers))

    def recover(self, containers: Sequence[ContainerId]) -> None:
        self.asked.append(("recover", *containers))

    def fetch(self, spec: FetchSpec) -> None:
        self.asked.append(("fetch", spec))

    def cancel(self, container_id: ContainerId) -> None:
        self.asked.append(("cancel", container_id))

    def start(self, key: ProbeKey, spec: ProbeSpec) -> None:
        self.asked.append(("start", key, spec))

    def stop(self, key: ProbeKey) -> None:
        self.asked.append(("stop", key))

    def close(self) -> None:
        self.asked.append(("close",))


class EffectsTests(SynchronousTestCase):
    """Each effect reaches the launcher, the fetcher or the prober, or ends the daemon."""

    def test_all(self) -> None:
        """In order; what is forgotten in one turn is forgotten at once."""
        clock, told = Wall(), Told()
        ends: list[tuple[str, bool]] = []
        effects = AgentEffects(
            clock, told, told, told, lambda reason, failed: ends.append((reason, failed))
        )
        for effect in (
            RecoverContainers((C,)),
            Fetch(FETCH),
            CancelFetch(C),
            Launch(SPEC),
            KillContainer(C, 15),
            ForgetContainer(C),
            ForgetContainer(ContainerId("d")),
            StartProbe(K, PROBE),
            StopProbe(K),
            Quit("done"),
        ):
            effects.perform(effect)
        self.assertEqual(ends, [])
        clock.advance(0)
        self.assertEqual(
            told.asked,
            [
                ("recover", C),
                ("fetch", FETCH),
                ("cancel", C),
                ("launch", SPEC),
                ("kill", C, 15),
                ("start", K, PROBE),
                ("stop", K),
                ("forget", C, "d"),
            ],
        )
        clock.advance(1)
        self.assertEqual(ends, [("done", False)])

    def test_unknown(self) -> None:
        """An effect that nobody performs is a bug."""
        effects = AgentEffects(Wall(), Told(), Told(), Told(), lambda reason, failed: None)
        self.assertRaises(AssertionError, effects.perform, object())


class RoomTests(SynchronousTestCase):
    """The core is told when the disk is full, and when it is not any more."""

    def test_told(self) -> None:
        """Once each way, and not at every little change between."""
        clock = Wall()
        told: list[RoomLeft] = []
        free = [2 * ROOM_BYTES_MIN]
        room = Room(clock, lambda: free[0], told.extend)
        room.start()
        for free[0] in (ROOM_BYTES_MIN, ROOM_BYTES_MIN - 1, 0, ROOM_BYTES_MIN):
            clock.advance(ROOM_INTERVAL_S)
        self.assertEqual(told, [RoomLeft(full=True)])
        free[0] = 2 * ROOM_BYTES_MIN
        clock.pump([ROOM_INTERVAL_S] * 3)
        self.assertEqual(told, [RoomLeft(full=True), RoomLeft(full=False)])
        room.stop()
        self.assertEqual(clock.getDelayedCalls(), [])
