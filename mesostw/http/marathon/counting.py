"""Counts of an app's tasks, and ``taskStats``: the same by version, with life times."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from statistics import fmean, median
from typing import Final

from mesostw.core.marathon.fitness import is_healthy, is_unhealthy
from mesostw.core.marathon.records import Instance
from mesostw.core.marathon.state import MarathonState
from mesostw.http.marathon.task_shapes import is_running, is_staged
from mesostw.model.apps import App

#: Objects between two looks at the clock.
STRIDE: Final = 64


class Tally:
    """What has been counted; one that is not known to be either is neither healthy nor not."""

    __slots__ = ("healthy", "lives", "running", "staged", "tasks", "unhealthy")

    def __init__(self) -> None:
        self.tasks = self.staged = self.running = self.healthy = self.unhealthy = 0
        #: Seconds since each start.
        self.lives: list[float] = []

    def add(self, view: MarathonState, instance: Instance, now: float) -> None:
        """Count one more."""
        self.tasks += 1
        self.staged += is_staged(instance)
        self.running += is_running(instance)
        if instance.agent_health is not None or instance.id in view.health:
            if is_unhealthy(view, instance):
                self.unhealthy += 1
            elif is_healthy(view, instance):
                self.healthy += 1
        if instance.started_at is not None:
            self.lives.append(max(0.0, now - instance.started_at))

    def counts(self) -> dict[str, int]:
        """The four numbers that every app is shown with."""
        return {
            "tasksStaged": self.staged,
            "tasksRunning": self.running,
            "tasksHealthy": self.healthy,
            "tasksUnhealthy": self.unhealthy,
        }

    def stats(self) -> dict[str, object]:
        """One class of ``taskStats``."""
        shape: dict[str, object] = {
            "counts": {
                "staged": self.staged,
                "running": self.running,
                "healthy": self.healthy,
                "unhealthy": self.unhealthy,
            }
        }
        if self.lives:
            shape["lifeTime"] = {
                "averageSeconds": fmean(self.lives),
                "medianSeconds": median(self.lives),
            }
        return {"stats": shape}


def task_stats(
    view: MarathonState, app: App, instances: Iterable[Instance], now: float
) -> Generator[None, None, dict[str, object]]:
    """``taskStats``, a slice at a time; a class without a task is left out."""
    tallies = {
        "startedAfterLastScaling": Tally(),
        "withLatestConfig": Tally(),
        "withOutdatedConfig": Tally(),
        "totalSummary": Tally(),
    }
    for number, instance in enumerate(instances):
        latest = instance.config == app.last_config_change_at
        classes = ["totalSummary", "withLatestConfig" if latest else "withOutdatedConfig"]
        if instance.version >= app.last_scaling_at:
            classes.append("startedAfterLastScaling")
        for name in classes:
            tallies[name].add(view, instance, now)
        if number % STRIDE == STRIDE - 1:
            yield
    return {name: tally.stats() for name, tally in tallies.items() if tally.tasks}
