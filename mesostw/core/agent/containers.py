"""
What an agent's core says of a container to run, and what it hears of one.

A launcher (``mesostw.interfaces.ILauncher``) tells of each container it was
given: one ``ContainerFailed``; or ``ContainerStarted`` and, when all is over,
one ``ContainerExited``.  Nothing follows a failure or an exit.  An exit may
come without a start, if the container was killed before it started or if
nobody knows what became of it.

A launcher keeps what became of a container until it is told to forget it, so
that no exit is lost while the agent is away; a core has it forgotten once
what it made of the exit is durable.  After a restart of the agent the same may
be told again: a core takes a repeated word as no news.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mesostw.messages.containers import RLimit
from mesostw.model.ids import ContainerId


class LaunchFault(StrEnum):
    """Why a container could not be started: the ``reason`` of ``ContainerFailed``."""

    #: The spec makes no sense: an id or a variable that cannot be, an empty argv.
    INVALID = "INVALID"
    #: The user does not exist, or this supervisor may not become another user.
    USER = "USER"
    #: The sandbox or its files could not be made.
    SANDBOX = "SANDBOX"
    #: No space is left for the sandbox, its files or the records of the container.
    DISK_FULL = "DISK_FULL"
    #: A limit is unknown or may not be set.
    LIMIT = "LIMIT"
    #: The program is not there or cannot be executed.
    EXECUTABLE = "EXECUTABLE"
    #: The kernel gives no further process.
    PROCESS = "PROCESS"


class ContainerSpec(Struct, frozen=True, kw_only=True):
    """One container: a process tree in a session of its own, and its directory."""

    #: Unique for ever on this agent; also the name of its record, so no ``/``.
    container_id: ContainerId
    #: What the program is given; the first is its own name, and the program too
    #: unless ``executable`` names another.  Without ``/`` it is looked up in the
    #: ``PATH`` of ``environment``.
    argv: tuple[str, ...]
    #: All of the environment: nothing of the agent's own is inherited.
    environment: Mapping[str, str]
    #: The sandbox, absolute: made if missing, given to ``user``, and the working directory.
    directory: str
    #: The program, if it is not what ``argv`` begins with.
    executable: str | None = None
    #: A name or a number; ``None`` is the agent's own user.
    user: str | None = None
    #: Limits on each process; one without numbers is unlimited.
    rlimits: tuple[RLimit, ...] = ()
    #: What ``ps`` shows until the program runs (15 bytes are kept); then the
    #: kernel shows the program's name.
    name: str = ""
    #: Files that output is appended to; relative ones are in ``directory``.
    stdout: str = "stdout"
    stderr: str = "stderr"
    #: Bits that new files do not get; the usual default of a Unix shell.
    umask: int = 0o022

    def __repr__(self) -> str:
        """With the names of variables only: their values must not end in a log."""
        names = ", ".join(self.environment)
        return (
            f"ContainerSpec({self.container_id!r}, argv={self.argv!r}, "
            f"directory={self.directory!r}, user={self.user!r}, environment=<{names}>)"
        )


class ContainerStarted(Struct, frozen=True):
    """The program of a container runs as ``pid``, which is also its session and group."""

    container_id: ContainerId
    pid: int


class ContainerExited(Struct, frozen=True):
    """
    The first process of a container has ended, and the rest was killed.

    ``status`` is a wait status (``os.waitstatus_to_exitcode`` reads it), or ``None``
    if nobody knows it; ``message`` then says why.
    """

    container_id: ContainerId
    status: int | None
    message: str


class ContainerFailed(Struct, frozen=True):
    """A container never ran; ``reason`` is a ``LaunchFault``, ``message`` for people."""

    container_id: ContainerId
    reason: str
    message: str
