"""
The smallest framework: one task that says hello.

    python docs/examples/hello.py 127.0.0.1:5050
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from mesostw.client.connect import connect
from mesostw.client.scheduler import Scheduler
from mesostw.messages import (
    CommandInfo,
    FrameworkInfo,
    Launch,
    Offer,
    OfferOperation,
    OfferOperationType,
    TaskID,
    TaskInfo,
    TaskStatus,
)
from mesostw.messages.convert import messages_of
from mesostw.model.resources import Resources
from mesostw.model.tasks import TERMINAL


class Hello(Scheduler):
    """Launch one task on the first offer, follow it to its end."""

    launched = False

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Use the first offer, decline the others."""
        for offer in offers:
            if self.launched:
                self.driver.decline([offer.id])
                continue
            self.launched = True
            role = offer.allocation_info.role if offer.allocation_info else None
            task = TaskInfo(
                name="hello",
                task_id=TaskID(value="hello-1"),
                agent_id=offer.agent_id,
                resources=messages_of(Resources.parse("cpus:0.1;mem:32"), role),
                command=CommandInfo(value="echo hello from $(hostname)"),
            )
            launch = OfferOperation(
                type=OfferOperationType.LAUNCH, launch=Launch(task_infos=(task,))
            )
            self.driver.accept([offer.id], [launch])

    async def updated(self, status: TaskStatus) -> None:
        """Tell each state; the client acknowledges when this returns."""
        print(status.task_id.value, status.state.value, status.message or "")
        if status.state in TERMINAL:
            self.driver.stop(teardown=True)


def main(reactor: Any, master: str) -> Deferred[None]:
    """Run until the task has ended."""
    client = connect(reactor, Hello(), FrameworkInfo(user="", name="hello"))
    return client.start(master)


if __name__ == "__main__":
    react(main, [sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:5050"])
