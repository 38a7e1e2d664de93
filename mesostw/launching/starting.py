"""
The agent's part in a supervisor's life: to find it, to start it, to bury it.

Note [The lock]: a supervisor holds a lock on ``DIRECTORY/lock`` as long as it lives, and
the kernel lets go of it however it ends.  The agent takes the lock, binds the socket and
hands both to the process that it starts; so the socket takes connections at once, two
agents never start two supervisors, and who cannot get the lock has only to connect.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

import mesostw
from mesostw.launching.supervisor import PRCTL_MISSING

#: Connections that may wait; an agent needs one.
BACKLOG: Final = 4
#: What is read of the supervisor's log when it does not come up.
LOG_BYTES: Final = 2_000
#: ``-I -S``: nothing of the environment and no ``site``; half the time to start, and small.
_BOOT: Final = (
    "import sys; sys.path += sys.argv[1].split(':'); "
    "from mesostw.launching.supervisor import main; sys.exit(main(sys.argv[2:]))"
)
#: Where the supervisor finds what is handed to it.
_LISTENING_FD: Final = 3
_LOCK_FD: Final = 4


class SupervisorUnavailable(Exception):
    """There is no supervisor and none can be started; the text says why and what to do."""


class Home:
    """
    The directory that an agent and its supervisor share.

    The socket is reached through an open descriptor of it, since a socket's path may
    have no more than 107 bytes.
    """

    def __init__(self, directory: str) -> None:
        self.directory = os.path.abspath(directory)
        os.makedirs(self.directory, 0o700, exist_ok=True)
        os.chmod(self.directory, 0o700)
        self._fd = os.open(self.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def socket(self) -> str:
        return f"/proc/self/fd/{self._fd}/socket"

    @property
    def log(self) -> str:
        return f"{self.directory}/log"

    def last_words(self) -> str:
        """What the supervisor wrote last, for an error's text."""
        with suppress(OSError):
            return Path(self.log).read_bytes()[-LOG_BYTES:].decode(errors="replace").strip()
        return ""

    def close(self) -> None:
        if self._fd != -1:
            os.close(self._fd)
            self._fd = -1


def start_supervisor(home: Home) -> int | None:
    """
    Start a supervisor if none lives; its pid, or ``None`` if one does.

    See Note [The lock].  Takes about a millisecond: nothing here forks this process.

    :raises SupervisorUnavailable: if python-prctl is not installed.
    :raises OSError: if the directory cannot be used.
    """
    paths = libraries()
    lock = os.open(f"{home.directory}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        with suppress(FileNotFoundError):
            os.unlink(home.socket)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(home.socket)
            listener.listen(BACKLOG)
            return _spawn(home, paths, listener.fileno(), lock)
    finally:
        os.close(lock)


def libraries() -> str:
    """
    Where the supervisor, or another program of ours, imports from beside the standard library.

    :raises SupervisorUnavailable: if python-prctl is not installed.
    """
    found = [find_spec("prctl"), find_spec("_prctl")]
    files = [spec.origin for spec in found if spec is not None and spec.origin is not None]
    if len(files) < len(found):
        raise SupervisorUnavailable(PRCTL_MISSING)
    ours = str(Path(mesostw.__file__).parent.parent)
    return ":".join(dict.fromkeys([ours, *(str(Path(file).parent) for file in files)]))


def _spawn(home: Home, paths: str, listening: int, lock: int) -> int:
    above = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (listening, lock)]
    command = [sys.executable, "-I", "-S", "-c", _BOOT, paths, home.directory]
    try:
        return os.posix_spawn(
            sys.executable,
            [*command, str(_LISTENING_FD), str(_LOCK_FD)],
            {"PATH": os.environ.get("PATH", os.defpath)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, home.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, above[0], _LISTENING_FD),
                (os.POSIX_SPAWN_DUP2, above[1], _LOCK_FD),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP},
        )
    finally:
        for fd in above:
            os.close(fd)


@implementer(IReadDescriptor)
class Burial:
    """
    Waits for a supervisor that this process has started, so that no zombie is left.

    Twisted's own way sweeps all children at each SIGCHLD; this is one descriptor.
    """

    def __init__(self, reactor: IReactorFDSet, pid: int, buried: Callable[[], None]) -> None:
        self._reactor = reactor
        self._pid = pid
        self._buried = buried
        self._fd = os.pidfd_open(pid)
        reactor.addReader(self)

    def fileno(self) -> int:
        return self._fd

    def doRead(self) -> None:
        with suppress(ChildProcessError):
            os.waitpid(self._pid, os.WNOHANG)
        self.abandon()
        self._buried()

    def abandon(self) -> None:
        """Wait no longer; the process is left to whoever is the parent of this one."""
        if self._fd != -1:
            self._reactor.removeReader(self)
            os.close(self._fd)
            self._fd = -1

    def connectionLost(self, reason: Failure) -> None:
        """Do nothing: a pidfd has no connection."""

    def logPrefix(self) -> str:
        return "supervisor"
