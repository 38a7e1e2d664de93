"""What :class:`~mesostw.interfaces.ILauncher` promises."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from mesostw.core.agent.containers import (
    ContainerExited,
    ContainerFailed,
    ContainerSpec,
    ContainerStarted,
    LaunchFault,
)
from mesostw.interfaces import ILauncher
from mesostw.model.ids import ContainerId

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = object

Told: TypeAlias = ContainerStarted | ContainerExited | ContainerFailed

SUCCEEDS = ("sh", "-c", "exit 0")
FAILS = ("sh", "-c", "exit 3")
FAILS_LATER = ("sh", "-c", "sleep 0.3; exit 3")
SLEEPS = ("sleep", "3600")
STUBBORN = ("sh", "-c", "trap '' TERM; : > deaf; while :; do sleep 0.05; done")
MISSING = ("no-such-program",)


class StartableLauncher(Protocol):
    """A launcher and its life."""

    def start(self) -> Deferred[None]: ...
    def stop(self, *, kill: bool = False) -> Deferred[None]: ...
    def launch(self, spec: ContainerSpec) -> None: ...
    def kill(self, container_id: ContainerId, signal: int, /) -> None: ...
    def forget(self, containers: Sequence[ContainerId]) -> None: ...
    def recover(self, containers: Sequence[ContainerId]) -> None: ...


class Life:
    """One agent's life: a launcher and what it told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def tell(self, stimuli: Sequence[Told]) -> None:
        self.told += stimuli

    def of(self, container_id: ContainerId) -> list[Told]:
        """What was told of one container."""
        return [told for told in self.told if told.container_id == container_id]

    def started(self, container_id: ContainerId) -> bool:
        return any(isinstance(told, ContainerStarted) for told in self.of(container_id))

    def over(self, container_id: ContainerId) -> bool:
        return any(not isinstance(told, ContainerStarted) for told in self.of(container_id))

    def end(self, container_id: ContainerId) -> Told:
        """How it ended; told last and once."""
        told = self.of(container_id)
        ends = [each for each in told if not isinstance(each, ContainerStarted)]
        assert ends == told[-1:], told
        return ends[0]

    def code(self, container_id: ContainerId) -> int | None:
        """Its exit code as ``subprocess`` has it: negative for a signal; ``None`` if unknown."""
        end = self.end(container_id)
        assert isinstance(end, ContainerExited), end
        return None if end.status is None else os.waitstatus_to_exitcode(end.status)


class LauncherContract(Base):
    """Mix into a ``TestCase``: one machine for each test, any number of agents' lives on it."""

    def make(self, life: Life) -> StartableLauncher:
        """Another life's launcher on this test's one machine; not yet started."""
        raise NotImplementedError

    def leave(self, launcher: StartableLauncher) -> None:
        """Have the agent of ``launcher`` die without a word."""
        raise NotImplementedError

    def lose_supervisor(self) -> None:
        """Kill what runs the containers."""
        raise NotImplementedError

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until ``condition`` holds; fail if it takes too long."""
        raise NotImplementedError

    async def pass_time(self, seconds: float) -> None:
        """Let so much time pass."""
        raise NotImplementedError

    def spec(self, name: str, argv: tuple[str, ...]) -> ContainerSpec:
        """A container of this test's machine."""
        raise NotImplementedError

    def is_deaf(self, spec: ContainerSpec) -> bool:
        """Whether what is ``STUBBORN`` ignores signals by now."""
        raise NotImplementedError

    async def begin(self) -> tuple[StartableLauncher, Life]:
        """A life that has begun."""
        life = Life()
        launcher = self.make(life)
        await launcher.start()
        return launcher, life

    async def run_to_end(
        self, launcher: StartableLauncher, life: Life, spec: ContainerSpec
    ) -> None:
        launcher.launch(spec)
        await self.until(lambda: life.over(spec.container_id))

    async def test_provides(self) -> None:
        """A launcher has every method of the port."""
        launcher, _ = await self.begin()
        verifyObject(ILauncher, launcher)

    async def test_runs(self) -> None:
        """A container is told as started, then as exited with its status, once each."""
        launcher, life = await self.begin()
        spec = self.spec("a", SUCCEEDS)
        await self.run_to_end(launcher, life, spec)
        first, last = life.of(spec.container_id)
        assert isinstance(first, ContainerStarted)
        self.assertGreater(first.pid, 1)
        self.assertIsInstance(last, ContainerExited)
        self.assertEqual(life.code(spec.container_id), 0)

    async def test_fails(self) -> None:
        """The status is that of the program, whatever it is."""
        launcher, life = await self.begin()
        spec = self.spec("a", FAILS)
        await self.run_to_end(launcher, life, spec)
        self.assertEqual(life.code(spec.container_id), 3)

    async def test_missing_program(self) -> None:
        """What cannot be executed fails with the reason and never starts."""
        launcher, life = await self.begin()
        spec = self.spec("a", MISSING)
        await self.run_to_end(launcher, life, spec)
        (failed,) = life.of(spec.container_id)
        assert isinstance(failed, ContainerFailed)
        self.assertEqual(failed.reason, LaunchFault.EXECUTABLE)

    async def test_launched_twice(self) -> None:
        """A container is known by its id: it is started once, however often it is asked for."""
        launcher, life = await self.begin()
        spec = self.spec("a", SUCCEEDS)
        launcher.launch(spec)
        await self.run_to_end(launcher, life, spec)
        launcher.launch(spec)
        await self.run_to_end(launcher, life, self.spec("b", SUCCEEDS))
        self.assertEqual(len(life.of(spec.container_id)), 2)

    async def test_asked_before_it_is_up(self) -> None:
        """What is asked for before the launcher has started waits for that."""
        life = Life()
        launcher = self.make(life)
        spec = self.spec("a", SUCCEEDS)
        launcher.launch(spec)
        await launcher.start()
        await self.until(lambda: life.over(spec.container_id))
        self.assertEqual(life.code(spec.container_id), 0)

    async def test_kill(self) -> None:
        """A signal ends a container, and the status says which."""
        launcher, life = await self.begin()
        spec = self.spec("a", SLEEPS)
        launcher.launch(spec)
        await self.until(lambda: life.started(spec.container_id))
        launcher.kill(spec.container_id, signal.SIGTERM)
        await self.until(lambda: life.over(spec.container_id))
        self.assertEqual(life.code(spec.container_id), -signal.SIGTERM)

    async def test_kill_at_once(self) -> None:
        """A container that is killed before it has started ends all the same."""
        launcher, life = await self.begin()
        spec = self.spec("a", SLEEPS)
        launcher.launch(spec)
        launcher.kill(spec.container_id, signal.SIGKILL)
        await self.until(lambda: life.over(spec.container_id))
        self.assertEqual(life.code(spec.container_id), -signal.SIGKILL)

    async def test_stubborn(self) -> None:
        """A container may ignore SIGTERM, but not SIGKILL."""
        launcher, life = await self.begin()
        spec = self.spec("a", STUBBORN)
        launcher.launch(spec)
        await self.until(lambda: life.started(spec.container_id) and self.is_deaf(spec))
        launcher.kill(spec.container_id, signal.SIGTERM)
        await self.run_to_end(launcher, life, self.spec("b", SUCCEEDS))
        self.assertFalse(life.over(spec.container_id))
        launcher.kill(spec.container_id, signal.SIGKILL)
        await self.until(lambda: life.over(spec.container_id))
        self.assertEqual(life.code(spec.container_id), -signal.SIGKILL)

    async def test_kill_unknown(self) -> None:
        """The end of a container that nobody knows is told, with an unknown status."""
        launcher, life = await self.begin()
        unknown = ContainerId("nobody")
        launcher.kill(unknown, signal.SIGTERM)
        await self.until(lambda: life.over(unknown))
        self.assertEqual(life.code(unknown), None)

    async def test_outlives_the_agent(self) -> None:
        """A container outlives its agent; the next agent is told that it runs, and its end."""
        launcher, life = await self.begin()
        spec = self.spec("a", SLEEPS)
        launcher.launch(spec)
        await self.until(lambda: life.started(spec.container_id))
        self.leave(launcher)
        launcher, later = await self.begin()
        launcher.recover([spec.container_id])
        await self.until(lambda: later.started(spec.container_id))
        self.assertEqual(later.of(spec.container_id), life.of(spec.container_id))
        launcher.kill(spec.container_id, signal.SIGTERM)
        await self.until(lambda: later.over(spec.container_id))
        self.assertEqual(later.code(spec.container_id), -signal.SIGTERM)
        self.assertFalse(life.over(spec.container_id))

    async def test_ended_while_the_agent_was_away(self) -> None:
        """An exit that no agent heard of keeps its status until one asks."""
        launcher, life = await self.begin()
        spec = self.spec("a", FAILS_LATER)
        launcher.launch(spec)
        await self.until(lambda: life.started(spec.container_id))
        self.leave(launcher)
        await self.pass_time(0.6)
        launcher, life = await self.begin()
        launcher.recover([spec.container_id])
        await self.until(lambda: life.over(spec.container_id))
        self.assertEqual(life.code(spec.container_id), 3)

    async def test_told_again_until_forgotten(self) -> None:
        """Each life is told of an end until it is forgotten; then nobody knows of it."""
        launcher, life = await self.begin()
        kept, gone = self.spec("a", FAILS), self.spec("b", FAILS)
        await self.run_to_end(launcher, life, kept)
        await self.run_to_end(launcher, life, gone)
        launcher.forget([gone.container_id])
        await self.run_to_end(launcher, life, self.spec("c", SUCCEEDS))
        self.leave(launcher)
        launcher, later = await self.begin()
        launcher.recover([kept.container_id, gone.container_id])
        await self.until(lambda: later.over(kept.container_id))
        self.assertEqual(later.code(kept.container_id), 3)
        self.assertEqual(later.code(gone.container_id), None)

    async def test_unwanted(self) -> None:
        """A container that the next life does not name is ended, and not told of."""
        launcher, life = await self.begin()
        spec = self.spec("a", SLEEPS)
        launcher.launch(spec)
        await self.until(lambda: life.started(spec.container_id))
        self.leave(launcher)
        launcher, later = await self.begin()
        launcher.recover([])
        await self.run_to_end(launcher, later, self.spec("b", SUCCEEDS))
        self.assertEqual(later.of(spec.container_id), [])
        launcher.kill(spec.container_id, signal.SIGTERM)
        await self.until(lambda: later.over(spec.container_id))

    async def test_supervisor_lost(self) -> None:
        """What dies with the supervisor is told once, as of unknown status; new ones run."""
        launcher, life = await self.begin()
        spec, other = self.spec("a", SLEEPS), self.spec("b", FAILS)
        launcher.launch(spec)
        await self.run_to_end(launcher, life, other)
        await self.until(lambda: life.started(spec.container_id))
        self.lose_supervisor()
        await self.until(lambda: life.over(spec.container_id))
        self.assertEqual(life.code(spec.container_id), None)
        await self.run_to_end(launcher, life, self.spec("c", SUCCEEDS))
        self.assertEqual(life.code(other.container_id), 3)
        self.assertEqual(life.code(spec.container_id), None)

    async def test_stop_with_kill(self) -> None:
        """A launcher that stops may take its containers with it."""
        launcher, life = await self.begin()
        spec = self.spec("a", SLEEPS)
        launcher.launch(spec)
        await self.until(lambda: life.started(spec.container_id))
        await launcher.stop(kill=True)
        launcher, later = await self.begin()
        launcher.recover([spec.container_id])
        await self.until(lambda: later.over(spec.container_id))
        self.assertEqual(later.code(spec.container_id), -signal.SIGKILL)
