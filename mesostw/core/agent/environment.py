"""What a container is started with: its directory, argv, environment, user and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from mesostw.core.agent.changes import Executor, Task
from mesostw.core.agent.containers import ContainerSpec
from mesostw.core.agent.flags import PATH_DEFAULT, AgentFlags
from mesostw.messages import CommandInfo, ContainerInfo, DurationInfo, FrameworkInfo
from mesostw.model.ids import AgentId, ContainerId, ExecutorId, FrameworkId

NANOSECONDS: Final = 1_000_000_000
#: The longest wait of an executor between two tries to come back; as in Mesos.
SUBSCRIPTION_BACKOFF_MAX: Final = "2secs"
#: The units of a duration's text, the largest first.
_UNITS: Final = (
    ("weeks", 604_800.0),
    ("days", 86_400.0),
    ("hrs", 3_600.0),
    ("mins", 60.0),
    ("secs", 1.0),
    ("ms", 1e-3),
    ("us", 1e-6),
)


def sandbox(
    flags: AgentFlags,
    agent_id: AgentId,
    framework_id: FrameworkId,
    executor_id: ExecutorId,
    container_id: ContainerId,
) -> str:
    """Where a run lives; the tree is that of Mesos, which tools know."""
    return (
        f"{flags.work_dir}/slaves/{agent_id}/frameworks/{framework_id}"
        f"/executors/{executor_id}/runs/{container_id}"
    )


def user_of(flags: AgentFlags, command: CommandInfo, framework: FrameworkInfo) -> str | None:
    """Whom a command runs as; ``None`` is the agent's own user."""
    if not flags.switch_user:
        return None
    return command.user or framework.user or None


def program_of(command: CommandInfo) -> tuple[str, tuple[str, ...]]:
    """
    The program and its argv: a shell with the value, or the value with the arguments.

    As in Mesos the arguments without ``shell`` include the program's own name, first.
    """
    value = command.value or ""
    if command.shell:
        return "/bin/sh", ("sh", "-c", value)
    return value, command.arguments or (value,)


def spec_of_task(task: Task, shared: Mapping[str, str]) -> ContainerSpec:
    """The container of a task that the built-in command executor runs."""
    command = task.info.command or CommandInfo()
    environment = _environment(shared, task.framework_id, task.executor_id, task.directory, command)
    return _spec(
        task.container_id,
        task.directory,
        task.user,
        command,
        environment,
        task.info.container,
        task.info.name,
    )


def spec_of_check(
    task: Task, container_id: ContainerId, command: CommandInfo, shared: Mapping[str, str]
) -> ContainerSpec:
    """A command of a check of ``task``: beside it, with nothing left of what it says."""
    spec = spec_of_task(task, shared)
    executable, argv = program_of(command)
    environment = dict(spec.environment)
    if command.environment is not None:
        for variable in command.environment.variables:
            environment[variable.name] = variable.value or ""
    return replace(
        spec,
        container_id=container_id,
        argv=argv,
        executable=executable,
        environment=environment,
        name=f"check {task.info.name}",
        stdout="/dev/null",
        stderr="/dev/null",
    )


def spec_of_executor(executor: Executor, shared: Mapping[str, str]) -> ContainerSpec:
    """The container of a custom executor."""
    info = executor.info
    command = info.command or CommandInfo()
    environment = _environment(shared, *executor.key, executor.directory, command)
    if info.shutdown_grace_period is not None:
        grace = duration(seconds(info.shutdown_grace_period, 0))
        environment["MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"] = grace
    return _spec(
        executor.container_id,
        executor.directory,
        executor.user,
        command,
        environment,
        info.container,
        info.name or info.executor_id.value,
    )


def shared_environment(flags: AgentFlags, agent_id: AgentId) -> dict[str, str]:
    """What every container of this agent is given; nothing of the agent's own is inherited."""
    shared = dict(flags.executor_environment or {})
    shared.setdefault("PATH", PATH_DEFAULT)
    shared.update(
        LIBPROCESS_IP=flags.ip,
        LIBPROCESS_PORT="0",
        MESOS_AGENT_ENDPOINT=flags.address,
        MESOS_SLAVE_ID=agent_id,
        MESOS_SLAVE_PID=f"slave(1)@{flags.address}",
        MESOS_CHECKPOINT="1",
        MESOS_HTTP_COMMAND_EXECUTOR="0",
        MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD=duration(flags.executor_shutdown_grace_s),
        MESOS_RECOVERY_TIMEOUT=duration(flags.recovery_timeout_s),
        MESOS_SUBSCRIPTION_BACKOFF_MAX=SUBSCRIPTION_BACKOFF_MAX,
    )
    return shared


def seconds(given: DurationInfo | None, default: float) -> float:
    """A duration of the API in seconds."""
    return default if given is None else given.nanoseconds / NANOSECONDS


def duration(length_s: float) -> str:
    """A duration as Mesos writes it: ``5secs``, ``15mins``."""
    for unit, size in _UNITS:
        count = length_s / size
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{length_s:g}secs"


def _environment(
    shared: Mapping[str, str],
    framework_id: FrameworkId,
    executor_id: ExecutorId,
    directory: str,
    command: CommandInfo,
) -> dict[str, str]:
    environment = dict(shared)
    environment["MESOS_FRAMEWORK_ID"] = framework_id
    environment["MESOS_EXECUTOR_ID"] = executor_id
    environment["MESOS_DIRECTORY"] = directory
    environment["MESOS_SANDBOX"] = directory
    if command.environment is not None:
        for variable in command.environment.variables:
            environment[variable.name] = variable.value or ""
    return environment


def _spec(
    container_id: ContainerId,
    directory: str,
    user: str | None,
    command: CommandInfo,
    environment: Mapping[str, str],
    container: ContainerInfo | None,
    name: str,
) -> ContainerSpec:
    executable, argv = program_of(command)
    limits = None if container is None else container.rlimit_info
    return ContainerSpec(
        container_id=container_id,
        argv=argv,
        executable=executable,
        environment=environment,
        directory=directory,
        user=user,
        rlimits=() if limits is None else limits.rlimits,
        name=name,
    )
