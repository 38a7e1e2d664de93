"""
Count the words of every module of the standard library, one task a file.

    python docs/examples/wordcount/wordcount.py --master 127.0.0.1:5050

A whole framework on the public client: it takes offers, launches ``wc -w FILE`` for
each file, reads each task's output when the task has finished, and adds up.  Results
are kept by file, so a status that comes twice is counted once; a task that was lost is
run again under another id.
"""

from __future__ import annotations

import argparse
import os
import sys
import sysconfig
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import treq
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

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
from mesostw.messages.convert import messages_of, resources_of
from mesostw.model.resources import Resources
from mesostw.model.tasks import TERMINAL, TaskState

NEED = Resources.parse("cpus:0.1;mem:16")


class Counting(Struct):
    """One file that is being counted."""

    file: str
    attempt: int = 1
    agent_id: str = ""

    @property
    def task_id(self) -> str:
        """An id for each attempt: ids are not used twice."""
        name = self.file.strip("/").replace("/", ".")[-200:]
        return f"{name}-{self.attempt}"


class WordCount(Scheduler):
    """Run ``wc -w`` on every file, and add up what they say."""

    def __init__(self, files: Sequence[str], master: str, reactor: Any) -> None:
        self._waiting = deque(Counting(file) for file in files)
        self._running: dict[str, Counting] = {}
        self._master, self._reactor = master, reactor
        self._wanted = len(files)
        self.words: dict[str, int] = {}
        self.lost = 0
        self.done: Deferred[None] = Deferred()

    async def offers(self, offers: Sequence[Offer]) -> None:
        """Fill each offer with tasks."""
        for offer in offers:
            left = resources_of(offer.resources)
            tasks = []
            while self._waiting and left.contains(NEED):
                left = left - NEED
                counting = self._waiting.popleft()
                counting.agent_id = offer.agent_id.value
                self._running[counting.task_id] = counting
                tasks.append(self._task(counting, offer))
            if tasks:
                launch = OfferOperation(
                    type=OfferOperationType.LAUNCH, launch=Launch(task_infos=tuple(tasks))
                )
                self.driver.accept([offer.id], [launch], refuse_s=0)
            else:
                self.driver.decline([offer.id], refuse_s=1)

    def _task(self, counting: Counting, offer: Offer) -> TaskInfo:
        role = offer.allocation_info.role if offer.allocation_info else None
        return TaskInfo(
            name="wc",
            task_id=TaskID(value=counting.task_id),
            agent_id=offer.agent_id,
            resources=messages_of(NEED, role),
            command=CommandInfo(
                shell=False, value="/usr/bin/wc", arguments=("wc", "-w", counting.file)
            ),
        )

    async def updated(self, status: TaskStatus) -> None:
        """Read a finished task's output before its status is acknowledged."""
        counting = self._running.get(status.task_id.value)
        if counting is None or status.state not in TERMINAL:
            return
        if status.state is TaskState.TASK_FINISHED:
            self.words[counting.file] = int((await self._output(counting)).split()[0])
        else:
            self.lost += 1
            print(f"{counting.file}: {status.state} {status.message}; again", file=sys.stderr)
            self._waiting.append(Counting(counting.file, attempt=counting.attempt + 1))
        del self._running[counting.task_id]
        if len(self.words) == self._wanted and not self.done.called:
            self.done.callback(None)

    async def _output(self, counting: Counting) -> str:
        """What the task printed; an agent that is just starting again is waited for."""
        framework = self.driver.framework.id
        assert framework is not None
        url = f"http://{self._master}/api/v1/agents/{counting.agent_id}/files/read"
        path = f"/frameworks/{framework.value}/executors/{counting.task_id}/runs/latest/stdout"
        for _ in range(120):
            response = await treq.get(url, params={"path": path, "offset": "0"}, timeout=10)
            if response.code == 200:
                return str((await response.json())["data"])
            await response.content()
            await deferLater(self._reactor, 0.25)
        raise RuntimeError(f"no output of {counting.task_id}")


def standard_library() -> list[str]:
    """Every ``.py`` file of the installed standard library, third parties left out."""
    top = Path(sysconfig.get_path("stdlib"))
    return sorted(str(path) for path in top.rglob("*.py") if "site-packages" not in path.parts)


async def count(reactor: Any, master: str, files: Sequence[str]) -> WordCount:
    """Count ``files`` on the cluster of ``master``."""
    scheduler = WordCount(files, master, reactor)
    framework = FrameworkInfo(user="", name="wordcount", checkpoint=True, failover_timeout=60.0)
    client = connect(reactor, scheduler, framework)
    ended = client.start(master)
    # Whichever comes first: all counted, or the client's failure.
    ended.addErrback(lambda failure: scheduler.done.called or scheduler.done.errback(failure))
    await scheduler.done
    client.stop(teardown=True)
    await deferLater(reactor, 0.05)
    return scheduler


async def main(reactor: Any, master: str, limit: int | None) -> None:
    """Count and tell."""
    files = standard_library()[:limit]
    result = await count(reactor, master, files)
    print(f"{len(result.words)} files, {sum(result.words.values())} words, {result.lost} run again")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.split("\n")[1])
    master = os.environ.get("MESOS_MASTER", "127.0.0.1:5050")
    options.add_argument("--master", default=master, help="also read from MESOS_MASTER")
    options.add_argument("--limit", type=int, help="count only the first so many files")
    chosen = options.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, chosen.master, chosen.limit)))
