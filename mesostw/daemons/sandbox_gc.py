"""
Old sandboxes are removed: a week after their last change, sooner as the disk fills.

As in Mesos: the age at which an ended run is removed is ``gc_delay`` times the share of
the disk that is free beyond ``gc_disk_headroom``; on a full disk it is nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mesostw.interfaces import IClock
from mesostw.unattended import unattended

#: No run is removed that was changed so short ago: it may be newer than what we know of.
AGE_MIN_S: Final = 10.0
#: Sandboxes removed in one pass, so that a pass ends.
REMOVED_MAX: Final = 10_000


def age_s(gc_delay_s: float, headroom: float, used: float) -> float:
    """The age at which a run is removed, when ``used`` of the disk (0 to 1) is used."""
    return gc_delay_s * max(0.0, 1.0 - headroom - used)


def runs_in(work_dir: str) -> Iterator[str]:
    """The directory of every run, of every agent that ever worked here."""
    for agent in _inside(f"{work_dir}/slaves"):
        for framework in _inside(f"{agent}/frameworks"):
            for executor in _inside(f"{framework}/executors"):
                yield from _inside(f"{executor}/runs")


def _inside(directory: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [one.path for one in entries if one.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def sweep(work_dir: str, live: Collection[str], before: float) -> int:
    """
    Remove every run that is not ``live`` and was last changed ``before``; how many.

    Parents that are empty then go too, up to the agent's directory.
    """
    removed = 0
    for run in runs_in(work_dir):
        if removed >= REMOVED_MAX:
            break
        if run in live:
            continue
        try:
            if os.stat(run).st_mtime >= before:
                continue
        except OSError:
            continue
        shutil.rmtree(run, ignore_errors=True)
        removed += 1
        _remove_parents(run)
    return removed


def _remove_parents(run: str) -> None:
    """Remove the executor's and the framework's directory if this was their last run."""
    runs = os.path.dirname(run)
    latest = f"{runs}/latest"
    if os.path.islink(latest) and not os.path.exists(latest):
        os.unlink(latest)
    executor = os.path.dirname(runs)
    executors = os.path.dirname(executor)
    for directory in (runs, executor, executors, os.path.dirname(executors)):
        try:
            os.rmdir(directory)
        except OSError:
            return


class SandboxSweeper:
    """
    Sweeps every ``interval_s``, outside the reactor's thread.

    :param live: the directories of runs that are in use or not yet acknowledged.
    :param in_thread: ``deferToThread``.
    """

    _log = Logger()

    def __init__(
        self,
        clock: IClock,
        work_dir: str,
        live: Callable[[], Collection[str]],
        in_thread: Callable[..., Deferred[int]],
        *,
        gc_delay_s: float,
        headroom: float,
        interval_s: float,
    ) -> None:
        self._clock, self._work_dir, self._live = clock, work_dir, live
        self._in_thread = in_thread
        self._gc_delay_s, self._headroom, self._interval_s = gc_delay_s, headroom, interval_s
        self._due: IDelayedCall | None = None

    def start(self) -> None:
        """Sweep after the interval, then again and again."""
        self._due = self._clock.callLater(self._interval_s, self._sweep)

    def stop(self) -> None:
        """Sweep no more; a sweep that is under way ends by itself."""
        if self._due is not None and self._due.active():
            self._due.cancel()

    def _sweep(self) -> None:
        unattended(self._swept(), self._failed)

    async def _swept(self) -> None:
        self.start()
        disk = shutil.disk_usage(self._work_dir)
        old_s = age_s(self._gc_delay_s, self._headroom, disk.used / max(disk.total, 1))
        before = self._clock.wall() - max(old_s, AGE_MIN_S)
        removed = await self._in_thread(sweep, self._work_dir, frozenset(self._live()), before)
        if removed:
            self._log.info("removed {removed} old sandboxes", removed=removed)

    def _failed(self, failure: Failure) -> None:
        self._log.failure("old sandboxes could not be removed", failure)
