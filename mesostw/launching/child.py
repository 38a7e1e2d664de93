"""
What a forked child does until it is the container's program.

A step that fails is told to the supervisor over a pipe which closes by itself when the
program takes over.  Each page of memory that a child touches is copied for it, at about
1 us: so what its parent can do for it, its parent does.  The user is looked up here
all the same, since a user database may be slow.  Imports little: the supervisor uses it.
"""

from __future__ import annotations

import errno
import json
import os
import pwd
import resource
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, NoReturn

import prctl

from mesostw.launching.users import Identity

#: What a shell says of a program that it could not execute.
EXIT_NOT_EXECUTED: Final = 127
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_OUTPUT: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class Fault(Exception):
    """A step failed: a ``LaunchFault`` and what to tell people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message


def fault_of(fault: OSError, reason: str, what: str) -> Fault:
    """The fault that a refusal of the kernel is; a full disk has a reason of its own."""
    place = f" {fault.filename}" if fault.filename else ""
    told = "DISK_FULL" if fault.errno in _FULL else reason
    return Fault(told, f"{what}{place}: {fault.strerror}")


class Birth(NamedTuple):
    """What a child is given besides its spec."""

    #: The supervisor, which must still be the parent.
    parent: int
    #: Where a fault is told.
    pipe: int
    #: That pipe, and those of the children that are forked with this one.
    pipes: tuple[int, ...]
    #: Note [Markers] in ``processtree``.
    marker: int
    #: The soft and hard limit of open files that a program would have had without us.
    open_files: tuple[int, int]
    #: Whom the user stands for, if that is known.
    identity: Identity | None


def warm_up() -> None:
    """Have the C library read how users are found: once here, not again in each child."""
    with suppress(KeyError):  # a user without a name: then most children do without, too
        entry = pwd.getpwuid(os.geteuid())
        os.getgrouplist(entry.pw_name, entry.pw_gid)


def become(spec: Mapping[str, Any], birth: Birth) -> NoReturn:
    """Turn this forked process into the container's program; never comes back."""
    try:
        os.setsid()
        for pipe in birth.pipes:
            if pipe != birth.pipe:
                os.close(pipe)
        identity = birth.identity
        if identity is None:
            identity = identity_of(spec.get("user"))
            if identity is not None:
                os.write(birth.pipe, identity.line())
        _limit(spec.get("rlimits", ()), birth)
        if identity is not None:
            _step("SANDBOX", "give away the sandbox", os.chown, spec["directory"], *identity[:2])
            _step("USER", "become the user", switch_to, identity)
        _bind(spec, birth)
        _wire(spec)
        _execute(spec)
    except Fault as fault:
        _tell(birth.pipe, fault.reason, fault.message)
    except BaseException as fault:  # noqa: BLE001 - nothing may return into the supervisor's loop
        _tell(birth.pipe, "PROCESS", f"cannot prepare the process: {fault!r}")
    os._exit(EXIT_NOT_EXECUTED)


def _tell(pipe: int, reason: str, message: str) -> None:
    os.write(pipe, json.dumps([reason, message]).encode())


def _step(reason: str, what: str, work: Callable[..., object], *arguments: object) -> None:
    """Do one step; ``what`` and the kernel's words make the message if it fails."""
    try:
        work(*arguments)
    except OSError as fault:
        raise fault_of(fault, reason, f"cannot {what}") from None
    except ValueError as fault:
        raise Fault(reason, f"cannot {what}: {fault}") from None


def identity_of(user: str | None) -> Identity | None:
    """
    Whom to become for ``user``; ``None`` to stay who this process is.

    :raises Fault: if there is no such user, or this process may not become another.
    """
    if not user:
        return None
    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        raise Fault("USER", f"there is no user {user!r} on this agent") from None
    if os.geteuid() == 0:
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
        return Identity(entry.pw_uid, entry.pw_gid, tuple(groups))
    if entry.pw_uid == os.geteuid():
        return None
    raise Fault("USER", f"cannot become the user {user!r}: this agent does not run as root")


def switch_to(identity: Identity) -> None:
    """Have this process run as somebody else for good."""
    os.setgroups(identity.groups)
    os.setgid(identity.gid)
    os.setuid(identity.uid)


def _limit(limits: list[dict[str, Any]], birth: Birth) -> None:
    """Set the limits asked for, give back the one we raised for us, and mark the process."""
    resource.setrlimit(resource.RLIMIT_NOFILE, birth.open_files)
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    if hard == resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_RTTIME, (birth.marker, hard))
    for limit in limits:
        name = str(limit.get("type", "")).replace("RLMT_", "RLIMIT_")
        number = getattr(resource, name, None)
        if number is None or not name.startswith("RLIMIT_"):
            raise Fault("LIMIT", f"there is no limit {limit.get('type')!r} on this agent")
        pair = limit.get("soft"), limit.get("hard")
        if pair == (None, None):
            pair = resource.RLIM_INFINITY, resource.RLIM_INFINITY
        elif None in pair:
            raise Fault("LIMIT", f"{limit['type']} needs both of soft and hard, or none")
        _step("LIMIT", f"set {limit['type']}", resource.setrlimit, number, pair)


def _bind(spec: Mapping[str, Any], birth: Birth) -> None:
    """
    Tie this process to the supervisor's life and take rights from it.

    After the change of user, since that takes the death signal away.
    """
    prctl.set_pdeathsig(signal.SIGKILL)
    if os.getppid() != birth.parent:  # it has died before it could have killed us
        os._exit(EXIT_NOT_EXECUTED)
    prctl.set_no_new_privs(1)
    name = spec.get("name") or ""
    if name:
        prctl.set_name(name.encode(errors="replace")[:15].decode(errors="ignore"))


def _wire(spec: Mapping[str, Any]) -> None:
    """Go into the sandbox and connect the three files; all others close by themselves."""
    os.umask(spec.get("umask", 0o022))
    _step("SANDBOX", "enter the sandbox", os.chdir, spec["directory"])
    _step("SANDBOX", "open", _onto, "/dev/null", 0, os.O_RDONLY)
    _step("SANDBOX", "open", _onto, spec.get("stdout", "stdout"), 1, _OUTPUT)
    _step("SANDBOX", "open", _onto, spec.get("stderr", "stderr"), 2, _OUTPUT)


def _onto(path: str, fd: int, flags: int) -> None:
    opened = os.open(path, flags, 0o644)
    os.dup2(opened, fd)
    os.close(opened)


def _execute(spec: Mapping[str, Any]) -> None:
    argv, environment = spec["argv"], spec["environment"]
    program = spec.get("executable") or argv[0]
    try:
        os.execvpe(program, argv, environment)
    except OSError as fault:
        raise Fault("EXECUTABLE", f"cannot execute {program!r}: {fault.strerror}") from None
    except ValueError as fault:
        raise Fault("INVALID", f"cannot execute {program!r}: {fault}") from None
