"""One task that is checked, for tests."""

from __future__ import annotations

from typing import Any

from mesostw.core.agent.containers import (
    ContainerSpec,
    ContainerStarted,
)
from mesostw.core.probes import Probed, ProbeKey, ProbeSpec, StartProbe
from mesostw.messages.agent_master import StatusUpdated
from mesostw.messages.commands import CommandInfo
from mesostw.messages.frameworks import FrameworkCapabilityType
from mesostw.messages.health import (
    CheckCommand,
    CheckHttp,
    CheckInfo,
    CheckTcp,
    CheckType,
    HealthCheck,
    HealthCheckType,
    HTTPCheckInfo,
)
from mesostw.messages.tasks import TaskStatus
from tests.core.agent.builders import World, command_task, framework

OK = 200


def http(**others: Any) -> HealthCheck:
    """A health check over HTTP."""
    fields: dict[str, Any] = {"type": HealthCheckType.HTTP, "http": HTTPCheckInfo(port=80)}
    return HealthCheck(**{**fields, **others})


def by_command(**others: Any) -> HealthCheck:
    """A health check by a command."""
    command = CommandInfo(value="test -f ok")
    fields: dict[str, Any] = {"type": HealthCheckType.COMMAND, "command": command}
    return HealthCheck(**{**fields, **others})


def check(kind: CheckType, **others: Any) -> CheckInfo:
    """A check that only tells."""
    parts: dict[str, Any] = {
        "command": CheckCommand(command=CommandInfo(value="x")),
        "http": CheckHttp(port=80, path="/h"),
        "tcp": CheckTcp(port=80),
    }
    name = kind.value.lower()
    return CheckInfo(type=kind, **{name: parts[name]}, **others)


class Checked(World):
    """A world with one running task that is checked."""

    def begin(self, *capabilities: FrameworkCapabilityType, **task: Any) -> Checked:
        self.registered()
        self.run(command_task(**task), framework("F", *capabilities))
        self.start()
        self.told()
        self.launched()
        return self

    def again(self, nonce: int = 2) -> Checked:
        """The next life of the agent, in which the task still runs."""
        container_id = self.task().container_id
        world = Checked(store=self.store, nonce=nonce)
        world.hear(ContainerStarted(container_id, 123))
        world.registered()
        world.told()
        return world

    def told(self) -> list[TaskStatus]:
        """Acknowledge every status; they themselves, in order."""
        told: list[TaskStatus] = []
        while said := [one for one in self.said() if isinstance(one, StatusUpdated)]:
            for one in said:
                told.append(one.status)
                self.acknowledge(one)
        return told

    def health(self) -> list[bool | None]:
        """The health in what was told since the last call."""
        return [status.healthy for status in self.told()]

    def started_probe(self) -> tuple[ProbeKey, ProbeSpec]:
        """The last probe that was started."""
        started = [one for one in self.effects if isinstance(one, StartProbe)]
        return started[-1].key, started[-1].spec

    def found(self, status: int | None = OK, error: str = "") -> None:
        """The probe finds something."""
        self.hear(Probed(key=self.started_probe()[0], status=status, error=error))

    def run_of_check(self) -> ContainerSpec:
        """The command of a check that was launched since the last call."""
        (spec,) = self.launched()
        self.hear(ContainerStarted(spec.container_id, 456))
        return spec
