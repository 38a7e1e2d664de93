"""Frameworks on a simulated cluster: what outlives their processes, and how they end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

from mesostw.bus.exchange import Exchange
from mesostw.client.scheduler import SchedulerClient
from mesostw.messages import TaskStatus
from mesostw.model.resources import Resources
from mesostw.store.memory import MemoryDisk
from mesostw.testing.frameworks import Job, Worker, framework_info
from mesostw.testing.lives import Life, Surroundings, dialer_of


class IProgram(Protocol):
    """What runs on a cluster: what outlives the process of a framework."""

    name: str
    #: The process that lives now, or the last one.
    life: Any

    def start(self) -> Life:
        """Start the framework's process."""

    @property
    def framework_id(self) -> str:
        """The id that it was given; empty if it has none yet."""

    def need_of(self, task_id: str) -> Resources | None:
        """What a task of its own takes; ``None`` if it is not its own."""

    def expected_tasks(self) -> Collection[tuple[str, str]]:
        """Tasks that are to run when the cluster is at rest, with the framework's id."""

    def unrest(self) -> list[str]:
        """What is not yet as it should be."""


class Program:
    """A framework: what outlives its process."""

    def __init__(self, around: Surroundings, name: str, jobs: Sequence[Job]) -> None:
        self.around = around
        self.name = name
        self.jobs = jobs
        self.disk = MemoryDisk()
        self.info = framework_info(name, around.chance(name))
        self.life: FrameworkLife | None = None
        self.lives = 0

    def start(self) -> FrameworkLife:
        """Start the framework's process."""
        self.lives += 1
        self.life = FrameworkLife(self.around, self, self.lives)
        self.life.start()
        return self.life

    @property
    def framework_id(self) -> str:
        return "" if self.life is None else self.life.worker.framework_id

    def need_of(self, task_id: str) -> Resources | None:
        name, _, rest = task_id.partition("-")
        return self.jobs[int(rest.partition("-")[0])].resources if name == self.name else None

    def expected_tasks(self) -> Collection[tuple[str, str]]:
        return ()

    def unrest(self) -> list[str]:
        """Every job is done, and every end acknowledged."""
        worker = None if self.life is None else self.life.worker
        if worker is None:
            return [f"{self.name} never lived"]
        if not worker.done:
            going_on = [task_id for task_id, one in worker.attempts.items() if not one.over]
            waiting = [job.number for job in worker.waiting()]
            return [f"{self.name} is not done: {going_on} go on, jobs {waiting} wait"]
        unheard = self.around.checker.unheard_of(worker)
        return [f"{self.name} never heard of the end of {unheard}"] if unheard else []


class FrameworkLife(Life):
    """A framework's process: a client around a :class:`Worker`."""

    def __init__(self, around: Surroundings, program: Program, number: int) -> None:
        super().__init__(around, program.name, number)
        self.store = self.make_store(around.parts.framework_store, program.disk)
        self.worker = Worker(
            program.name,
            program.info,
            program.jobs,
            self.clock,
            self.random,
            self.store,
            self,
        )

    def told(self, worker: Worker, status: TaskStatus) -> None:
        """Part of ``Witness``."""
        self.around.tell(
            "{} hears {} {} {} {}",
            self.host,
            status.task_id.value,
            status.state.value,
            "" if status.uuid is None else "to be acknowledged",
            "" if status.reason is None else status.reason.value,
        )
        self.around.checker.told(worker, status)
        self.around.busy(self.host)

    def acknowledging(self, worker: Worker, status: TaskStatus) -> None:
        """Part of ``Witness``."""
        self.around.checker.acknowledging(worker, status)

    def awake(self, worker: Worker) -> None:
        """Part of ``Witness``."""
        self.around.checker.awake(worker)

    def said(self, worker: Worker, what: str, *values: object) -> None:
        """Part of ``Witness``."""
        self.around.tell(f"{self.host} {what}", *values)
        self.around.busy(self.host)

    async def _start(self) -> None:
        info = await self.worker.wake()
        exchange = Exchange(self.clock, "framework", forwards=False)
        dialer = dialer_of(self, exchange)
        client = SchedulerClient(self.clock, exchange, dialer, self.worker, info)
        await client.start(self.around.master_address)
        if self.worker.failure is not None:
            self.gave_up(self.worker.failure)
