"""
The process that forks containers, outlives its agent and keeps each exit status.

Started once by the agent (``mesostw.launching.starting``) in a session of its own::

    python -m mesostw.launching.supervisor DIRECTORY LISTENING_FD LOCK_FD

``DIRECTORY`` has the socket that the agent connects to (what is said on it stands in
``mesostw.launching.frames``), the lock that says whether a supervisor lives, its log,
and the records of all containers.  The process ends by itself when it has had neither an
agent nor a container for ``IDLE_S``.

It forks containers from a warm image, so it imports little: no Twisted, no msgspec.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any, Final

from mesostw.launching.agentlink import AgentLink
from mesostw.launching.frames import VERSION
from mesostw.launching.records import Records
from mesostw.launching.watch import Watch

#: What ``ps`` shows; the kernel keeps 15 bytes.
NAME: Final = "mesostw-superv"
#: Time between two sweeps for orphans; so that they cost little however much ends.
SWEEP_GAP_S: Final = 0.02
#: Time without an agent and without a container after which this process ends.
IDLE_S: Final = 60.0
#: Signals that do not end this process.  They are caught, not ignored: then a program
#: that a child executes has the default again, without a system call.
_DEAF: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)
PRCTL_MISSING: Final = (
    "running containers needs the package python-prctl: pip install 'mesostw[agent]' "
    "(it compiles against libcap: on Debian, apt-get install gcc libcap-dev)"
)


class Supervisor:
    """Joins the agent's words to the containers."""

    def __init__(self, directory: str, listener: socket.socket) -> None:
        from mesostw.launching.child import warm_up  # noqa: PLC0415 - main tells of prctl
        from mesostw.launching.containers import Containers  # noqa: PLC0415 - the same

        warm_up()

        self._watch = Watch()
        self._link = AgentLink(self._watch, listener, self._opened, self._heard)
        records = Records(f"{directory}/records")
        self._containers = Containers(self._watch, records, self._link.tell)
        #: When to look for orphans; ``None`` if none of our children has ended.
        self._sweep_at: float | None = None
        self._idle_since = time.monotonic()
        self._ending = False
        self._children_ended, waker = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        self._watch.add(self._children_ended, self._child_ended)
        self._containers.resume()

    def run(self) -> None:
        """Serve until there is nothing left to serve."""
        while True:
            self._watch.round(self._wait_s())
            now = time.monotonic()
            if self._sweep_at is not None and self._sweep_at <= now:
                self._sweep_at = None
                self._containers.sweep()
            self._containers.start_waiting()
            if self._link.connected or self._containers:
                self._idle_since = now
            if self._ending and not self._containers:
                self._link.tell("stopping")
                break
            if now - self._idle_since >= IDLE_S:
                break
            self._link.flush()
        self._containers.sweep()
        self._link.flush()

    def _wait_s(self) -> float | None:
        """How long nothing has to be done if nothing happens."""
        now = time.monotonic()
        if self._sweep_at is not None:
            return max(0.0, self._sweep_at - now)
        if self._link.connected or self._containers:
            return None
        return max(0.0, self._idle_since + IDLE_S - now)

    def _child_ended(self) -> None:
        os.read(self._children_ended, 4096)
        if self._sweep_at is None:
            self._sweep_at = time.monotonic() + SWEEP_GAP_S

    def _opened(self) -> None:
        self._link.tell("hello", {"version": VERSION, "pid": os.getpid()})
        for words in self._containers.everything():
            self._link.tell(*words)
        self._link.tell("synced")

    def _heard(self, sentence: list[Any]) -> None:
        """Do what the agent says; no word of an agent ends this process, and so its containers."""
        try:
            self._obey(sentence)
        except (LookupError, OSError, TypeError, ValueError) as fault:
            # Only its first word: what follows may hold a command's secrets.
            sys.stderr.write(f"cannot do what the agent said: {sentence[:1]}: {fault!r}\n")

    def _obey(self, sentence: list[Any]) -> None:
        match sentence:
            case ["launch", dict() as spec]:
                self._containers.launch(spec)
            case ["kill", str() as container_id, int() as number]:
                self._containers.kill(container_id, number)
            case ["forget", list() as container_ids]:
                for container_id in container_ids:
                    self._containers.forget(container_id)
            case ["stop", dict() as wish]:
                self._stop(kill=bool(wish.get("kill")))
            case _:
                sys.stderr.write(f"ignored a word of the agent: {sentence[0]}\n")

    def _stop(self, *, kill: bool) -> None:
        if kill:
            self._containers.kill_all()
        elif self._containers:
            self._link.tell("busy", len(self._containers))
            return
        self._ending = True


def main(arguments: list[str]) -> int:
    """Be a supervisor; the exit status of the process."""
    try:
        import prctl  # noqa: PLC0415 - what is missing is told in our words
    except ImportError:
        sys.stderr.write(f"{PRCTL_MISSING}\n")
        return 1
    if len(arguments) != 3:
        sys.stderr.write("usage: supervisor DIRECTORY LISTENING_FD LOCK_FD (an agent starts it)\n")
        return 2
    directory, listening, lock = arguments[0], int(arguments[1]), int(arguments[2])
    _keep_only(listening, lock)
    os.chdir("/")
    os.umask(0o022)
    for number in _DEAF:
        signal.signal(number, lambda *_: None)
    prctl.set_name(NAME)
    prctl.set_child_subreaper(1)
    supervisor = Supervisor(directory, socket.socket(fileno=listening))
    gc.collect()
    gc.freeze()  # what is never moved is never copied for a child
    supervisor.run()
    return 0


def _keep_only(*kept: int) -> None:
    """Close what came from the agent by accident, so that no container holds it open."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd in kept:
            os.set_inheritable(fd, False)
        elif fd > 2:
            with suppress(OSError):  # the one that the list was read from
                os.close(fd)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
