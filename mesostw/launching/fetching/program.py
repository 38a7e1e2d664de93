"""
The process that brings files for one task.

It begins with the agent's rights, makes the sandbox, and then becomes the task's user for
good before it opens anything that the task has named.  So it reads, by the kernel's own
judgement, only what the task may read, and writes only where the task may write.  It dies with
the agent.

Note [Early]: Python may be installed where only root reads, so all that is imported is
imported before the rights are given up, also what Python would import by itself when it is
first needed.

What it is to do stands on its standard input as JSON; the answer goes to its standard output.
Imports little of ours, and nothing that is not in the standard library but ``prctl``.
"""

from __future__ import annotations

import codecs
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from typing import Any, Final, NoReturn

import prctl

from mesostw.launching import sandbox
from mesostw.launching.child import Fault, fault_of, identity_of, switch_to
from mesostw.launching.fetching import archives, files, sources

#: Memory that it may use: archives can be made to need a lot.
MEMORY_BYTES_MAX: Final = 1024**3
#: How long a processor may work for it: unpacking as much as may be written takes less than an
#: hour, but archives can be made to be read without end and write nothing.
CPU_S_MAX: Final = 2 * 60 * 60
#: From the signal that the time is over to the end by force.
_CPU_LAST_S: Final = 10
#: Where the task's own output goes: what was fetched is told there, as Mesos does.
_TOLD: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME: Final = "mesostw-fetch"
#: What host names, headers and old archives are written in; see Note [Early].
_CODECS: Final = ("ascii", "cp437", "idna", "latin-1")


def main() -> int:
    """Do what standard input says, and answer ``{"size": ...}`` or ``{"fault": ...}``."""
    job = json.load(sys.stdin)
    for name in _CODECS:
        codecs.lookup(name)
    answer: dict[str, object]
    try:
        _give_up_rights(job)
        answer = {"size": _KINDS[job["kind"]](job)}
    except Fault as fault:
        answer = {"fault": fault.message}
    except sandbox.UnsafeName as fault:
        answer = {"fault": str(fault)}
    except OSError as fault:
        answer = {"fault": fault_of(fault, "PROCESS", "cannot write").message}
    json.dump(answer, sys.stdout)
    return 0


def _give_up_rights(job: dict[str, Any]) -> None:
    """Make the sandbox, become the user, and end with the agent."""
    identity = identity_of(job.get("user"))
    directory = job.get("directory")
    if directory is not None:
        sandbox.check_path(directory)
        sandbox.make_sandbox(directory)
        if identity is not None:
            os.chown(directory, *identity[:2])
    if identity is not None:
        switch_to(identity)
    # After the change of user, since that takes the death signal away.
    prctl.set_pdeathsig(signal.SIGKILL)
    if os.getppid() != job["parent"]:
        os._exit(1)
    prctl.set_no_new_privs(1)
    prctl.set_name(_NAME)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXCPU, _worked_too_long)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S_MAX, CPU_S_MAX + _CPU_LAST_S))
    os.umask(0o022)


def _worked_too_long(number: int, frame: object) -> NoReturn:
    raise Fault("TOO_LARGE", f"it takes more than {CPU_S_MAX} s of a processor")


def _measure(job: dict[str, Any]) -> int | None:
    """How large a file is, as far as its source says; nothing of it is brought."""
    with sources.opened(job["value"], job["path"], job["stall_s"], "HEAD") as source:
        return source.size


def _store(job: dict[str, Any]) -> int:
    """Bring one file into an open one, exactly as large as was said before."""
    with (
        sources.opened(job["value"], job["path"], job["stall_s"]) as source,
        os.fdopen(job["fd"], "wb", buffering=0) as target,
    ):
        size = files.copy(source.bytes, target, files.Budget(job["size"]))
    if size != job["size"]:
        raise Fault("SOURCE", f"{size} bytes came where {job['size']} were promised")
    return size


def _fetch(job: dict[str, Any]) -> int:
    """Bring all files, one after the other, into the sandbox; how many there were."""
    budget = files.Budget()
    for file in job["files"]:
        try:
            _bring(job, file, budget)
        except Fault as fault:
            raise Fault(fault.reason, f"{file['shown']}: {fault.message}") from None
        except OSError as fault:
            words = fault_of(fault, "SANDBOX", "cannot write").message
            raise Fault("SANDBOX", f"{file['shown']}: {words}") from None
    return len(job["files"])


def _bring(job: dict[str, Any], file: dict[str, Any], budget: files.Budget) -> None:
    directory, name = job["directory"], file["name"]
    mode = files.EXECUTABLE_MODE if file["executable"] else files.FILE_MODE
    unpacks = file["extract"] and not file["executable"] and bool(archives.kind_of(name))
    if file["fd"] is not None:
        with os.fdopen(file["fd"], "rb") as kept:
            if unpacks:
                archives.unpack(kept, name, directory, budget)
            else:
                files.write(directory, name, kept, budget, mode)
        _tell(directory, f"Fetched {file['shown']} from the cache to {name}")
        return
    with sources.opened(file["value"], file["path"], job["stall_s"]) as source:
        size = files.write(directory, name, source.bytes, budget, mode)
        if source.size is not None and size != source.size:
            raise Fault("SOURCE", f"{size} bytes came where {source.size} were promised")
    _tell(directory, f"Fetched {file['shown']} to {name}, {size} bytes")
    if unpacks:
        with open(os.path.join(directory, name), "rb") as packed:
            archives.unpack(packed, name, directory, budget)
        _tell(directory, f"Unpacked {name}")


def _tell(directory: str, line: str) -> None:
    """Tell people who look into the sandbox; whether that works changes nothing."""
    with suppress(OSError):
        fd = os.open(os.path.join(directory, "stderr"), _TOLD, 0o644)
        with os.fdopen(fd, "a") as told:
            told.write(f"{line}\n")


_KINDS: Final = {"measure": _measure, "store": _store, "fetch": _fetch}
