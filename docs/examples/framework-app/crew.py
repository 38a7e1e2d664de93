"""
A framework that Marathon runs: its scheduler is an app, its workers are its own tasks.

It keeps ``CREW_SIZE`` workers running.  Who is killed, or whose machine dies, is started
again by Marathon, maybe elsewhere; so what must not be lost (the framework's id and who
works) is written to ``CREW_STATE`` before anything is launched.  The next life comes back
under the same id, asks after its workers, and replaces only those that are gone.  The master
keeps them meanwhile, for ``AWAY_S`` at most.

Of Marathon come ``PORT0`` and ``HOST``: there it says how many work, with status 503 until it
is registered, which is what the app's readiness check waits for.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from mesostw.client.connect import connect
from mesostw.client.scheduler import Scheduler
from mesostw.messages import (
    CommandInfo,
    FrameworkID,
    FrameworkInfo,
    Launch,
    Offer,
    OfferOperation,
    OfferOperationType,
    TaskID,
    TaskInfo,
    TaskStatus,
)
from mesostw.messages.convert import messages_of, resources_of
from mesostw.messages.masters import MasterInfo
from mesostw.model.resources import Resources
from mesostw.model.tasks import TERMINAL, TaskState

NEED: Final = Resources.parse("cpus:0.1;mem:16")
#: How long the workers outlive a scheduler that does not come back.
AWAY_S: Final = 3600.0
#: What a worker does.
WORK: Final = "while :; do echo working; sleep 10; done"


class Kept(msgspec.Struct):
    """What a life leaves to the next."""

    framework_id: str | None = None
    #: The task of each worker that has one, and its agent.
    workers: dict[str, str] = {}


class Crew(Scheduler):
    """Keep so many workers running."""

    def __init__(self, size: int, file: Path) -> None:
        self._size, self._file = size, file
        self.kept = msgspec.json.decode(file.read_bytes(), type=Kept) if file.exists() else Kept()
        self.running: set[str] = set()
        self.is_registered = False

    @property
    def wanted(self) -> int:
        """How many workers there shall be."""
        return self._size

    def _keep(self) -> None:
        """Write down what must not be lost; a crash leaves the old text or the new one."""
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self.kept))
        fresh.replace(self._file)

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        """Keep the id, and ask after everybody who is thought to work."""
        self.kept.framework_id = framework_id
        self._keep()
        self.is_registered = True
        if self.kept.workers:
            self.driver.reconcile(dict(self.kept.workers))

    async def disconnected(self) -> None:
        """Nobody is registered without a master."""
        self.is_registered = False

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Start whoever is missing; decline the rest."""
        for offer in offers:
            missing = self._size - len(self.kept.workers)
            tasks = self._workers_on(offer, missing)
            if not tasks:
                self.driver.decline([offer.id])
                continue
            # Kept first: a worker that is started is never forgotten.
            self._keep()
            launch = Launch(task_infos=tasks)
            operation = OfferOperation(type=OfferOperationType.LAUNCH, launch=launch)
            self.driver.accept([offer.id], [operation])

    def _workers_on(self, offer: Offer, missing: int) -> tuple[TaskInfo, ...]:
        """As many as fit, of those that are missing; each is written to ``kept``."""
        role = offer.allocation_info.role if offer.allocation_info else None
        left = resources_of(offer.resources)
        tasks: list[TaskInfo] = []
        while len(tasks) < missing and left.contains(NEED):
            left = left - NEED
            task_id = f"crew-{uuid4()}"
            self.kept.workers[task_id] = offer.agent_id.value
            tasks.append(
                TaskInfo(
                    name="crew-worker",
                    task_id=TaskID(value=task_id),
                    agent_id=offer.agent_id,
                    resources=messages_of(NEED, role),
                    command=CommandInfo(value=WORK),
                )
            )
        return tuple(tasks)

    async def updated(self, status: TaskStatus) -> None:
        """Count who works; whoever has ended is missing, and the next offer is his."""
        task_id, state = status.task_id.value, status.state
        print(task_id, state.value, status.message or "", flush=True)
        if task_id not in self.kept.workers:
            if state not in TERMINAL:
                # Nobody that was written down: it would run for nobody.
                self.driver.kill(task_id)
            return
        if state is TaskState.TASK_RUNNING:
            self.running.add(task_id)
        elif state in TERMINAL:
            self.running.discard(task_id)
            del self.kept.workers[task_id]
            self._keep()
            self.driver.revive()

    async def error(self, message: str) -> None:
        """The master has forgotten us, or was told to: the next life is a new framework."""
        print("refused:", message, flush=True)
        self._file.unlink(missing_ok=True)


class Status(Resource):
    """How the crew is doing."""

    def __init__(self, crew: Crew) -> None:
        super().__init__()
        self.isLeaf = True
        self._crew = crew

    def render_GET(self, request: Request) -> bytes:  # noqa: N802 (Twisted calls it so)
        """200 while we are registered, else 503."""
        request.setHeader("Content-Type", "application/json")
        request.setResponseCode(200 if self._crew.is_registered else 503)
        told = {"wanted": self._crew.wanted, "running": len(self._crew.running)}
        return msgspec.json.encode(told)


def main(reactor: Any, environment: Mapping[str, str]) -> Deferred[None]:
    """Work until somebody ends us; the workers go on."""
    crew = Crew(int(environment["CREW_SIZE"]), Path(environment["CREW_STATE"]))
    where = socket.gethostbyname(environment["HOST"])
    reactor.listenTCP(int(environment["PORT0"]), Site(Status(crew)), interface=where)
    kept = crew.kept.framework_id
    framework = FrameworkInfo(
        user="",
        name="crew",
        id=None if kept is None else FrameworkID(value=kept),
        failover_timeout=AWAY_S,
        checkpoint=True,
    )
    client = connect(reactor, crew, framework)
    return client.start(environment["MESOS_MASTER"])


if __name__ == "__main__":
    react(main, [os.environ])
