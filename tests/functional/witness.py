"""
A framework for the tests that kill things: a process of its own that writes down all it hears.

    python witness.py MASTER JOURNAL [--tasks N] [--cpus X] [--id ID] [--failover S]
                      [--script SCRIPT] [--every S]

``SCRIPT`` is a line for the shell in which ``@`` is the number of the task.  No task is ever
launched again, whatever becomes of it, so that one that runs twice is the cluster's doing.
With ``--every`` one is launched after the other, not sooner than so many seconds after it, and
what becomes of those of which nothing was heard for a while is asked again and again: a launch
may be lost with the master that it was sent to.
"""

from __future__ import annotations

import argparse
import getpass
import json
import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from mesostw.client.connect import connect
from mesostw.client.scheduler import Scheduler
from mesostw.messages import (
    CommandInfo,
    Environment,
    FrameworkID,
    FrameworkInfo,
    Launch,
    MasterInfo,
    Offer,
    OfferOperation,
    OfferOperationType,
    TaskID,
    TaskInfo,
    TaskStatus,
    Variable,
)
from mesostw.messages.convert import messages_of, resources_of
from mesostw.model.resources import Resources
from mesostw.model.tasks import TERMINAL

#: How long nothing may be heard of a task before it is asked about, and of how many at once.
ASK_S = 5.0
ASKED_MAX = 50
ENDS = frozenset(state.value for state in TERMINAL)
#: Given to each task in its environment, and never to be seen in a log.
SECRET = "hush-4711-do-not-tell"


class Witness(Scheduler):
    """Launches its tasks once, and writes every event down before it is acknowledged."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._script: str = options.script
        self._waiting = list(range(options.tasks))
        self._every_s: float = options.every
        self._next = 0.0
        #: Tasks whose end is not known: their agents, and when they were last asked about.
        self._out: dict[str, tuple[str, float]] = {}
        self._need = Resources.parse(f"cpus:{options.cpus};mem:16")
        self._journal = open(options.journal, "a", buffering=1)  # noqa: SIM115 - for life

    def _note(self, **facts: object) -> None:
        self._journal.write(json.dumps(facts) + "\n")

    async def subscribed(self, framework_id: str, master: MasterInfo | None) -> None:
        self._note(subscribed=framework_id)

    async def offers(self, offers: Sequence[Offer]) -> None:
        if self._every_s:
            self._ask()
        for offer in offers:
            left = resources_of(offer.resources)
            tasks = []
            while self._waiting and self._may() and left.contains(self._need):
                left = left - self._need
                tasks.append(self._task(self._waiting.pop(0), offer))
            if tasks:
                launch = Launch(task_infos=tuple(tasks))
                operation = OfferOperation(type=OfferOperationType.LAUNCH, launch=launch)
                self.driver.accept([offer.id], [operation], 0.0)
            else:
                self.driver.decline([offer.id], self._every_s or 1.0)

    def _ask(self) -> None:
        """Ask about those of which nothing was heard for long, so many at most."""
        now = time.monotonic()
        late = [name for name, (_, asked) in self._out.items() if now - asked > ASK_S][:ASKED_MAX]
        if late:
            self.driver.reconcile({name: self._out[name][0] for name in late})
            self._out |= {name: (self._out[name][0], now) for name in late}

    def _may(self) -> bool:
        """Whether the next task's time has come."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._every_s
        return True

    def _task(self, number: int, offer: Offer) -> TaskInfo:
        name = f"task-{number}"
        self._note(launched=name, agent=offer.agent_id.value)
        self._out[name] = (offer.agent_id.value, time.monotonic())
        role = offer.allocation_info.role if offer.allocation_info else None
        secret = Environment(variables=(Variable(name="PASSWORD", value=SECRET),))
        return TaskInfo(
            name=name,
            task_id=TaskID(value=name),
            agent_id=offer.agent_id,
            resources=messages_of(self._need, role),
            command=CommandInfo(value=self._script.replace("@", str(number)), environment=secret),
        )

    async def updated(self, status: TaskStatus) -> None:
        if status.state.value in ENDS:
            self._out.pop(status.task_id.value, None)
        self._note(
            task=status.task_id.value,
            state=status.state.value,
            reason=status.reason.value if status.reason else "",
            message=status.message or "",
        )


def main(reactor: Any, *words: str) -> Deferred[None]:
    """Run until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("master")
    parser.add_argument("journal")
    parser.add_argument("--tasks", type=int, default=0)
    parser.add_argument("--cpus", default="1")
    parser.add_argument("--id")
    parser.add_argument("--failover", type=float, default=600.0)
    parser.add_argument("--script", default="true")
    parser.add_argument("--every", type=float, default=0.0)
    options = parser.parse_args(words)
    framework = FrameworkInfo(
        user=getpass.getuser(),
        name="witness",
        failover_timeout=options.failover,
        # Without it the tasks of an agent that is away are given up, as in Mesos.
        checkpoint=True,
        id=FrameworkID(value=options.id) if options.id else None,
    )
    return connect(reactor, Witness(options), framework).start(options.master)


if __name__ == "__main__":
    import sys

    react(main, sys.argv[1:])
