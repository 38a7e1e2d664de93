"""What a task runs, out of plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mesostw.messages.commands import CommandInfo, Environment, Variable


def environment_of(variables: Mapping[str, str]) -> Environment:
    """Variables of a process, in their order."""
    return Environment(
        variables=tuple(Variable(name=name, value=value) for name, value in variables.items())
    )


def shell_command(line: str, variables: Mapping[str, str], user: str | None) -> CommandInfo:
    """What a shell is to run."""
    return CommandInfo(
        environment=environment_of(variables), shell=True, value=line, arguments=(), user=user
    )


def program_command(
    program: str | None, arguments: Iterable[str], variables: Mapping[str, str], user: str | None
) -> CommandInfo:
    """A program; the first of ``arguments`` is the name that it is told it has."""
    return CommandInfo(
        environment=environment_of(variables),
        shell=False,
        value=program,
        arguments=tuple(arguments),
        user=user,
    )
