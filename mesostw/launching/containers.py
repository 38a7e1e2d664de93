"""
The containers of one supervisor: born, watched, killed, and what became of them.

Each is watched by a pidfd, so that a thousand that live cost nothing when one ends.
Imports little: the supervisor uses it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

from mesostw.launching import processtree
from mesostw.launching.child import Birth, Fault, become, fault_of
from mesostw.launching.frames import LOST, NOT_KNOWN
from mesostw.launching.records import Records
from mesostw.launching.sandbox import check_path, make_sandbox
from mesostw.launching.sandbox import segment as check_id
from mesostw.launching.users import Users
from mesostw.launching.watch import Watch

#: Children that are forked and do not run their program yet.  Each has about 1 MB of its
#: own, and more than the processors can serve only wait for each other.
STARTING_MAX: Final = 16
#: Forks are done when there is room for so many.
BURST: Final = 8
NO_PROCESS: Final = "cannot make a process: the kernel has none left for this agent"
#: Enough for any fault that a child can have.
FAULT_BYTES_MAX: Final = 64 * 1024


class Container:
    """One that waits, starts or runs."""

    __slots__ = ("fault", "id", "marker", "pid", "pidfd", "pipe", "spec", "started", "user")

    def __init__(self, container_id: str, spec: dict[str, Any]) -> None:
        self.id = container_id
        #: Given up once it has been born.
        self.spec: dict[str, Any] | None = spec
        self.user = str(spec.get("user") or "")
        self.marker = processtree.new_marker()
        #: 0 until it is forked.
        self.pid = 0
        self.pidfd = -1
        #: Where it says what went wrong; -1 when its program runs.
        self.pipe = -1
        self.started = False
        self.fault: tuple[str, str] | None = None


class Containers:
    """
    All of them.

    :param tell: called with the words of ``frames`` for each thing that happens.
    """

    def __init__(self, watch: Watch, records: Records, tell: Callable[..., None]) -> None:
        self._watch = watch
        self._users = Users()
        self._records = records
        self._tell = tell
        self._live: dict[str, Container] = {}
        self._by_pid: dict[int, Container] = {}
        self._by_marker: dict[int, Container] = {}
        self._waiting: deque[Container] = deque()
        #: How many are forked and do not run their program yet.
        self._starting = 0
        self._ended: dict[str, tuple[object, ...]] = {}
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._open_files = soft, hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def __len__(self) -> int:
        return len(self._live)

    def resume(self) -> None:
        """Read what a supervisor before us left, and kill what may be left of its containers."""
        records = self._records.read()
        markers = {record.marker for record in records.values() if record.marker}
        if markers:
            processtree.end_marked(markers)
        for container_id, record in records.items():
            if record.state == "failed":
                words: tuple[object, ...] = "failed", container_id, record.reason, record.message
            elif record.state == "exited" and record.status is not None:
                words = "exited", container_id, record.status, _epitaph(record.status)
            else:
                self._records.exited(container_id, record.marker, None)
                words = "exited", container_id, None, LOST
            self._ended[container_id] = words

    def everything(self) -> Iterator[tuple[object, ...]]:
        """The words that tell an agent all that is known."""
        yield from self._ended.values()
        for container in self._live.values():
            yield self._state(container)

    # --- birth --------------------------------------------------------------

    def launch(self, spec: dict[str, Any]) -> None:
        """Start a container as soon as it may; tell again what is known of a known one."""
        container_id = str(spec.get("container_id"))
        if container_id in self._live or container_id in self._ended:
            self._tell_again(container_id)
            return
        fault = _fault_of(container_id, spec)
        if fault is not None:
            self._ended[container_id] = words = "failed", container_id, "INVALID", fault
            self._tell(*words)
            return
        container = Container(container_id, spec)
        self._live[container_id] = container
        self._by_marker[container.marker] = container
        self._waiting.append(container)

    def start_waiting(self) -> None:
        """
        Fork those that wait, as many as may start at once, in bursts.

        After each fork this process pays for every page that it writes again, about as
        much as for the fork itself: so first all is prepared, then all is forked.
        """
        room = STARTING_MAX - self._starting
        if not self._waiting or room < BURST:
            return
        prepared: list[tuple[Container, dict[str, Any], int, int]] = []
        while self._waiting and len(prepared) < room:
            container = self._waiting.popleft()
            try:
                prepared.append((container, *_prepare(self._records, container)))
            except Fault as fault:
                self._failed(container, fault.reason, fault.message)
        self._fork(prepared)
        for container, _, reading, writing in prepared:
            os.close(writing)
            if container.pid:
                self._born(container, reading)
            else:
                os.close(reading)
                self._failed(container, "PROCESS", NO_PROCESS)

    def _fork(self, prepared: list[tuple[Container, dict[str, Any], int, int]]) -> None:
        """Fork each; one that the kernel has no process for keeps the pid 0."""
        parent = os.getpid()
        pipes, limit = tuple(writing for _, _, _, writing in prepared), self._open_files
        for container, spec, _, writing in prepared:
            known = self._users.known(container.user)
            with suppress(OSError):
                container.pid = os.fork()
                if container.pid == 0:
                    birth = Birth(parent, writing, pipes, container.marker, limit, known)
                    become(spec, birth)

    def _born(self, container: Container, reading: int) -> None:
        self._starting += 1
        container.pipe = reading
        container.pidfd = os.pidfd_open(container.pid)
        self._by_pid[container.pid] = container
        self._watch.add(reading, partial(self._said, container))
        self._watch.add(container.pidfd, partial(self._ended_one, container))

    def _said(self, container: Container) -> None:
        """The child has said what is wrong, or closed the pipe by running its program."""
        if container.pipe == -1:
            return
        said = _read(container, self._users)
        if said is None:
            return
        self._watch.remove(container.pipe)
        os.close(container.pipe)
        container.pipe = -1
        container.started = True
        self._starting -= 1
        if said:
            reason, message = json.loads(said)
            container.fault = reason, message
        else:
            self._tell("started", container.id, container.pid)

    # --- end ----------------------------------------------------------------

    def _ended_one(self, container: Container) -> None:
        """Take the exit status of a container; what is left of its group ends with it."""
        if container.pidfd == -1:
            return
        self._said(container)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(container.pid, signal.SIGKILL)  # its number is ours until it is waited for
        pid, status = os.waitpid(container.pid, os.WNOHANG)
        if pid == 0:
            return
        self._watch.remove(container.pidfd)
        os.close(container.pidfd)
        container.pidfd = -1
        del self._by_pid[container.pid]
        if container.fault is not None:
            self._failed(container, *container.fault)
        else:
            self._exited(container, status, _epitaph(status))

    def _exited(self, container: Container, status: int, message: str) -> None:
        with suppress(OSError):  # the agent is told all the same
            self._records.exited(container.id, container.marker, status)
        self._gone(container, ("exited", container.id, status, message))

    def _failed(self, container: Container, reason: str, message: str) -> None:
        with suppress(OSError):  # the agent is told all the same
            self._records.failed(container.id, container.marker, reason, message)
        self._gone(container, ("failed", container.id, reason, message))

    def _gone(self, container: Container, words: tuple[object, ...]) -> None:
        del self._live[container.id], self._by_marker[container.marker]
        self._ended[container.id] = words
        self._tell(*words)

    def forget(self, container_id: str) -> None:
        """Remove what is known of a container that has ended; one that lives stays known."""
        if self._ended.pop(container_id, None) is not None:
            with suppress(OSError):
                self._records.forget(container_id)

    # --- signals ------------------------------------------------------------

    def kill(self, container_id: str, number: int) -> None:
        """Signal all processes of a container, and tell what is known of one that is gone."""
        container = self._live.get(container_id)
        if container is None:
            self._tell_again(container_id)
        elif container.pid == 0:
            self._waiting.remove(container)
            self._exited(container, number, "Killed before it was started")
        else:
            roots = [container.pid, *self._orphans_of(container)]
            if number == signal.SIGKILL:
                processtree.end_family(roots)
            else:
                processtree.signal_all(processtree.family(roots), number)

    def kill_all(self) -> None:
        for container_id in list(self._live):
            self.kill(container_id, signal.SIGKILL)

    def sweep(self) -> None:
        """
        Bury orphans that have ended, and kill those whose container has.

        An orphan without a marker and of no known session is nobody's; it is killed
        when no container lives that it could belong to.
        """
        self._bury()
        strays = [pid for pid in self._orphans() if self._is_stray(pid)]
        if strays:
            processtree.end_family(strays)

    def _is_stray(self, pid: int) -> bool:
        return self._owner(pid) is None and bool(processtree.marker(pid) or not self._live)

    def _bury(self) -> None:
        while True:
            try:
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if dead is None:
                return
            container = self._by_pid.get(dead.si_pid)
            if container is not None:
                self._ended_one(container)
            else:
                os.waitpid(dead.si_pid, os.WNOHANG)

    def _orphans(self) -> list[int]:
        return [pid for pid in processtree.children(os.getpid()) if pid not in self._by_pid]

    def _orphans_of(self, container: Container) -> list[int]:
        return [pid for pid in self._orphans() if self._owner(pid) is container]

    def _owner(self, pid: int) -> Container | None:
        marked = self._by_marker.get(processtree.marker(pid))
        if marked is not None:
            return marked
        found = processtree.stat(pid)
        return None if found is None else self._by_pid.get(found.session)

    # --- words --------------------------------------------------------------

    def _tell_again(self, container_id: str) -> None:
        if container_id in self._live:
            self._tell(*self._state(self._live[container_id]))
        else:
            unknown = "exited", container_id, None, NOT_KNOWN
            self._tell(*self._ended.get(container_id, unknown))

    def _state(self, container: Container) -> tuple[object, ...]:
        if container.started and container.fault is None:
            return "started", container.id, container.pid
        return "starting", container.id


def _prepare(records: Records, container: Container) -> tuple[dict[str, Any], int, int]:
    """Do what the child need not do: its spec, and the two ends of its pipe."""
    spec, container.spec = container.spec or {}, None
    try:
        records.begun(container.id, container.marker)
        make_sandbox(spec["directory"])
    except OSError as fault:
        raise fault_of(fault, "SANDBOX", "cannot make the sandbox or its record") from None
    try:
        return spec, *os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as fault:
        raise fault_of(fault, "PROCESS", "cannot make a pipe") from None


def _read(container: Container, users: Users) -> bytes | None:
    """What a child tells of its fault, empty when its program runs, ``None`` if nothing yet."""
    try:
        said = os.read(container.pipe, FAULT_BYTES_MAX)
        if said:
            said = users.learnt(container.user, said)
            said = said or os.read(container.pipe, FAULT_BYTES_MAX)
    except BlockingIOError:
        return None
    return said


def _epitaph(status: int) -> str:
    """How a container ended, in the words that Mesos has for a command."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"Command terminated with signal {signal.strsignal(number) or number}"
    return f"Command exited with status {os.WEXITSTATUS(status)}"


def _fault_of(container_id: str, spec: dict[str, Any]) -> str | None:
    """Why a spec cannot be; what the kernel refuses is found when it refuses."""
    argv, environment = spec.get("argv"), spec.get("environment")
    try:
        check_id(container_id)
        check_path(str(spec.get("directory")))
    except ValueError as fault:
        return str(fault)
    if not container_id.isascii():
        return f"the id {container_id!r} has characters that no id has"
    if not argv or not isinstance(argv, list) or not isinstance(environment, dict):
        return "there is nothing to execute: argv is empty"
    if any(not name or "=" in name for name in environment):
        return "a variable of the environment has a name that cannot be"
    if any("\0" in text for text in (*argv, *environment, *environment.values())):
        return "argv or environment has a NUL character"
    return None
