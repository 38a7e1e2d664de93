"""
Processes that bring files: started, heard, and ended by the agent.

What a process is to do and what it answers are files in memory, so that neither side ever
waits for the other to read.  It is watched by a descriptor of its own (a pidfd): its end is
an event of the reactor like any other.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from mesostw.launching.starting import libraries

#: What is taken of a fault's text, or of a process's last words if it ends without an answer.
WORDS_BYTES: Final = 2_000
#: What a process is given of the agent's own environment: how to reach the web.
PASSED_ON: Final = (
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
#: ``-I -S``: nothing of the environment and no ``site``; half the time to start, and small.
_BOOT: Final = (
    "import sys; sys.path += sys.argv[1].split(':'); "
    "from mesostw.launching.fetching.program import main; sys.exit(main())"
)


class FetchFault(Exception):
    """A process could not do what it was started for; the text is for people."""


class Answer(Struct, frozen=True):
    """What a process says at its end; believed only as far as it is checked."""

    size: Annotated[int, Meta(ge=0)] | None = None
    fault: str | None = None


@implementer(IReadDescriptor)
class Errand:
    """One process, from its start to its answer."""

    def __init__(
        self,
        reactor: IReactorFDSet,
        environment: Mapping[str, str],
        job: Mapping[str, Any],
        descriptors: Sequence[int],
    ) -> None:
        self._reactor = reactor
        self.done: Deferred[int | None] = Deferred(self._cancel)
        with ExitStack() as undo:
            words = _memory_file("words", json.dumps({**job, "parent": os.getpid()}).encode())
            undo.callback(os.close, words)
            self._answer, self._errors = _memory_file("answer"), _memory_file("errors")
            undo.callback(os.close, self._answer)
            undo.callback(os.close, self._errors)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, libraries()],
                stdin=words,
                stdout=self._answer,
                stderr=self._errors,
                cwd="/",
                env={name: environment[name] for name in PASSED_ON if name in environment},
                pass_fds=descriptors,
                start_new_session=True,
            )
            self._fd = os.pidfd_open(self._process.pid)
            undo.pop_all()
        os.close(words)
        reactor.addReader(self)

    def fileno(self) -> int:
        return self._fd

    def doRead(self) -> None:
        status = self._process.wait()
        self._reactor.removeReader(self)
        answer, errors = _read(self._answer), _read(self._errors)
        for fd in (self._fd, self._answer, self._errors):
            os.close(fd)
        done, self.done = self.done, Deferred()
        if done.called:
            return
        try:
            told = msgspec.json.decode(answer, type=Answer)
        except msgspec.MsgspecError:
            last = errors[-WORDS_BYTES:].decode(errors="replace").strip().rpartition("\n")[2]
            done.errback(FetchFault(f"the fetching process ended with status {status}: {last}"))
            return
        if told.fault is not None:
            done.errback(FetchFault(told.fault[:WORDS_BYTES]))
        else:
            done.callback(told.size)

    def _cancel(self, done: Deferred[int | None]) -> None:
        """End the process; its end is still awaited, so that no zombie is left."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def connectionLost(self, reason: Failure) -> None:
        """Do nothing: a pidfd has no connection."""

    def logPrefix(self) -> str:
        return "fetching"


def errands(
    reactor: IReactorFDSet, environment: Mapping[str, str] = os.environ
) -> Callable[[Mapping[str, Any], Sequence[int]], Deferred[int | None]]:
    """
    What starts a process for a job that may use some open descriptors.

    It fires with a size or fails with :class:`FetchFault`; cancelling it ends the process.
    """

    def send(job: Mapping[str, Any], descriptors: Sequence[int]) -> Deferred[int | None]:
        return Errand(reactor, environment, job, descriptors).done

    return send


def _memory_file(name: str, content: bytes = b"") -> int:
    fd = os.memfd_create(f"mesostw-fetch-{name}", os.MFD_CLOEXEC)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _read(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)
