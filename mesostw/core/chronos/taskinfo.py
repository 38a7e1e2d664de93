"""A run as the task that a master is asked to launch."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from mesostw.core.chronos.environment import variables_of
from mesostw.core.chronos.records import Run
from mesostw.core.framework.commands import program_command, shell_command
from mesostw.messages.commands import URI, CommandInfo
from mesostw.messages.ids import AgentID, ExecutorID, TaskID
from mesostw.messages.resources import Resource
from mesostw.messages.tasks import ExecutorInfo, TaskInfo
from mesostw.messages.values import DurationInfo
from mesostw.model.ids import AgentId, TaskId
from mesostw.model.jobs import JobSpec

#: How ids of our tasks begin; tools of others read the rest.
PREFIX: Final = "ct:"
_STRANGE: Final = re.compile(r"[^A-Za-z0-9._-]")
_URL: Final = re.compile(r"(?:http|ftp)s?://\S+")


def task_id_of(run: Run, launch: int) -> TaskId:
    """The id of a run's task: each launch has another."""
    name = _STRANGE.sub("_", run.job)
    return TaskId(f"{PREFIX}{run.instant}:{run.attempt}:{name}:{run.id}.{launch}")


def task_of(
    spec: JobSpec,
    run: Run,
    task_id: TaskId,
    agent_id: AgentId,
    hostname: str,
    resources: tuple[Resource, ...],
    user: str,
) -> TaskInfo:
    """
    The task that a run is.

    :param user: whose processes they are if the job does not say.
    """
    command = _command(spec, run, task_id, hostname, user)
    limit_s = spec.max_completion_time
    return TaskInfo(
        name=f"ChronosTask:{spec.name}",
        task_id=TaskID(value=task_id),
        agent_id=AgentID(value=agent_id),
        resources=resources,
        command=None if spec.executor else command,
        executor=_executor(spec, command) if spec.executor else None,
        data=_data(spec, command) if spec.executor else None,
        max_completion_time=DurationInfo(nanoseconds=limit_s * 1_000_000_000) if limit_s else None,
    )


def _command(spec: JobSpec, run: Run, task_id: TaskId, hostname: str, user: str) -> CommandInfo:
    variables = variables_of(spec, run, task_id, hostname)
    user = spec.run_as_user or user
    if _URL.fullmatch(spec.command):
        path = posixpath.basename(urlsplit(spec.command).path)
        line = shell_command(f'"./{path}"', variables, user)
        return replace(line, uris=(URI(value=spec.command, executable=True),))
    arguments = spec.arguments if run.arguments is None else tuple(run.arguments.split())
    if spec.shell:
        # As the original does: what is to be quoted is quoted in the arguments.
        rest = " ".join(spec.arguments) if run.arguments is None else run.arguments
        command = shell_command(f"{spec.command} {rest}".strip(), variables, user)
    else:
        command = program_command(spec.command, (spec.command, *arguments), variables, user)
    return replace(command, uris=tuple(_uris(spec)))


def _uris(spec: JobSpec) -> Iterator[URI]:
    for one in spec.fetch:
        yield URI(
            value=one.uri,
            extract=one.extract,
            executable=one.executable,
            cache=one.cache,
            output_file=one.output_file or None,
        )
    fetched = {one.uri for one in spec.fetch}
    for uri in spec.uris:
        if uri not in fetched:
            yield URI(value=uri)


def _executor(spec: JobSpec, command: CommandInfo) -> ExecutorInfo:
    """A custom executor: all runs of a job on an agent share one, as Chronos has it."""
    return ExecutorInfo(
        executor_id=ExecutorID(value=spec.name),
        command=replace(command, shell=True, value=spec.executor, arguments=()),
    )


def _data(spec: JobSpec, command: CommandInfo) -> bytes:
    said = spec.task_info_data or f"{spec.executor_flags}|{command.value or ''}"
    return said.encode()
