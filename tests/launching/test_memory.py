"""The pretended machine keeps what every launcher promises."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import TestCase

from mesostw.core.agent.containers import ContainerSpec, LaunchFault
from mesostw.launching.memory import MemoryHost, MemoryLauncher, Run
from mesostw.model.ids import ContainerId
from mesostw.testing.clock import HeapClock
from mesostw.testing.contracts import launcher as contracts

SCRIPT = {
    contracts.SUCCEEDS: Run(),
    contracts.FAILS: Run(status=3 << 8),
    contracts.FAILS_LATER: Run(run_s=0.3, status=3 << 8),
    contracts.SLEEPS: Run(run_s=None),
    contracts.STUBBORN: Run(run_s=None, stubborn=True),
    contracts.MISSING: Run(fault=(LaunchFault.EXECUTABLE, "there is no such program")),
}


def spec(name: str, argv: tuple[str, ...]) -> ContainerSpec:
    """A container that the script knows by its argv."""
    return ContainerSpec(
        container_id=ContainerId(name), argv=argv, environment={}, directory=f"/sandbox/{name}"
    )


class MemoryLauncherTests(contracts.LauncherContract, TestCase):
    """Containers in virtual time."""

    def setUp(self) -> None:
        self.clock = HeapClock()
        self.host = MemoryHost(self.clock, lambda spec: SCRIPT[spec.argv])

    def make(self, life: contracts.Life) -> MemoryLauncher:
        return MemoryLauncher(self.clock, self.host, life.tell)

    def leave(self, launcher: contracts.StartableLauncher) -> None:
        assert isinstance(launcher, MemoryLauncher)
        launcher.crash()

    def lose_supervisor(self) -> None:
        self.host.lose_supervisor()

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(1000):
            if condition():
                return
            self.clock.advance(0.001)
        self.fail("it took too long")

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def spec(self, name: str, argv: tuple[str, ...]) -> ContainerSpec:
        return spec(name, argv)

    def is_deaf(self, _spec: ContainerSpec) -> bool:
        return True  # from the start

    def test_machine_lost(self) -> None:
        """When the machine goes down even ends that were not told are forgotten."""
        life = contracts.Life()
        launcher = self.make(life)
        self.successResultOf(launcher.start())
        launcher.launch(spec("a", contracts.FAILS))
        self.clock.advance(1)
        launcher.crash()
        self.host.lose_everything()
        later = contracts.Life()
        launcher = self.make(later)
        self.successResultOf(launcher.start())
        launcher.recover([ContainerId("a")])
        self.assertEqual(later.code(ContainerId("a")), None)

    def test_history(self) -> None:
        """The machine remembers each start, for checkers of simulations."""
        launcher = self.make(contracts.Life())
        self.successResultOf(launcher.start())
        launcher.launch(spec("a", contracts.SUCCEEDS))
        launcher.launch(spec("b", contracts.MISSING))
        self.clock.advance(1)
        self.assertEqual(self.host.history, ["a"])
        self.assertEqual(self.host.live, [])
