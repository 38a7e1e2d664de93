"""What this version cannot do is refused by the name of its field, never left out silently."""

from __future__ import annotations

from collections.abc import Iterator

from mesostw.core.agent import check_rules, fetches
from mesostw.messages import (
    CommandInfo,
    ContainerInfo,
    ContainerType,
    ExecutorInfo,
    ExecutorType,
    NetworkInfo,
    TaskInfo,
    VariableType,
)


def invalid(task: TaskInfo, agent_id: str, *, grouped: bool = False) -> str | None:
    """
    Why ``task`` makes no sense here, in a sentence.

    :param grouped: it is one of a group: it has a command, which the group's executor runs.
    """
    if task.agent_id.value != agent_id:
        return f"Task is for agent {task.agent_id.value}, but this is {agent_id}"
    if (task.command is None) == (task.executor is None) and not grouped:
        return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
    command = task.command
    if task.executor is not None:
        command = task.executor.command
        if command is None and task.executor.type is not ExecutorType.DEFAULT:
            return "'ExecutorInfo.command' must be set for a CUSTOM executor"
    if command is not None and not command.value:
        kind = "Shell command" if command.shell else "Executable of command"
        return f"{kind} is not specified"
    fault = check_rules.invalid(task)
    return fault if fault or command is None else fetches.invalid(command)


def unsupported(task: TaskInfo) -> str | None:
    """The first thing that ``task`` asks for and this version cannot do, in a sentence."""
    for field in _fields(task):
        return f"{field} is not supported in this version"
    # What the command of a group's task names is fetched by the group's executor.
    command = task.command if task.executor is None else task.executor.command
    return None if command is None else fetches.unsupported(command)


def _fields(task: TaskInfo) -> Iterator[str]:
    for path, command in check_rules.commands(task):
        if command.uris:
            yield f"'{path}.uris' (files for a check)"
        yield from _command(path, command)
    if task.limits:
        yield "'TaskInfo.limits'"
    for resource in task.resources:
        if resource.disk is not None:
            yield "'Resource.disk' (a persistent volume or a disk source)"
    if task.command is not None:
        yield from _command("TaskInfo.command", task.command)
    if task.container is not None:
        if task.executor is not None:
            yield "'TaskInfo.container' of a task with a custom executor"
        yield from _container("TaskInfo.container", task.container)
    if task.executor is not None:
        yield from _executor(task.executor)


def _executor(executor: ExecutorInfo) -> Iterator[str]:
    if executor.type is ExecutorType.DEFAULT:
        yield "'ExecutorInfo.type' DEFAULT (a task group in the default executor)"
    if executor.command is not None:
        yield from _command("ExecutorInfo.command", executor.command)
    if executor.container is not None:
        yield from _container("ExecutorInfo.container", executor.container)


def _command(path: str, command: CommandInfo) -> Iterator[str]:
    if command.environment is not None:
        for variable in command.environment.variables:
            if variable.type is not VariableType.VALUE:
                yield f"'{path}.environment' with a secret in {variable.name}"


def _container(path: str, container: ContainerInfo) -> Iterator[str]:
    if container.docker is not None:
        yield f"'{path}.docker'"
    if container.type is not ContainerType.MESOS:
        yield f"'{path}.type' {container.type.value}"
    if container.mesos is not None and container.mesos.image is not None:
        yield f"'{path}.mesos.image' (container images)"
    if container.volumes:
        yield f"'{path}.volumes'"
    if container.hostname is not None:
        yield f"'{path}.hostname'"
    if container.linux_info is not None:
        yield f"'{path}.linux_info'"
    if container.tty_info is not None:
        yield f"'{path}.tty_info'"
    for network in container.network_infos:
        if not _is_host(network):
            yield f"'{path}.network_infos' (networks other than the host's)"


def _is_host(network: NetworkInfo) -> bool:
    return network.name is None and not network.port_mappings and not network.ip_addresses
