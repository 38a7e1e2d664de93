"""
How late jobs of one minute start: 100 of ours on three real agents, beside Debian's ``cron``.

Both run the same shell command at each minute, which writes down when it began; ``cron`` in a
mount namespace of its own, so that it sees no other jobs than these.  Needs root, and ``cron``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.processes import Api, bench

JOBS: Final = 100
MINUTE_S: Final = 60
#: Before a minute everything must be there; after it, everything must have begun.
HEAD_START_S: Final = 8
PATIENCE_S: Final = 20
BODY: Final = {"cron": "* * * * *", "cpus": 0.1, "mem": 16, "disk": 0}
ISOLATED: Final = (
    "mount --bind {0} /etc/cron.d && mount -t tmpfs none /var/spool/cron && "
    "mount -t tmpfs none /run && exec cron -f"
)


def command_of(beginnings: Path, number: int) -> str:
    """Write down when the job began, with the minute that it is for as near as the clock knows."""
    return f"date +%s.%N >> {beginnings}/{number}"


@contextmanager
def debian(directory: Path, beginnings: Path) -> Iterator[None]:
    """A ``cron`` with the jobs of one file."""
    lines = [f"* * * * * root {command_of(beginnings, number)}" for number in range(JOBS)]
    table = directory / "bench"
    table.write_text("\n".join(["PATH=/usr/bin:/bin", *lines, ""]).replace("%", r"\%"))
    table.chmod(0o644)
    started = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", ISOLATED.format(directory)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait()


def said(beginnings: Path, minutes: int, since: float) -> list[float]:
    """How late each began, in seconds after its minute."""
    until = since + (minutes - 1) * MINUTE_S + PATIENCE_S
    time.sleep(max(0.0, until - time.time()))
    found = [float(line) for one in beginnings.iterdir() for line in one.read_text().split()]
    return sorted(at % MINUTE_S for at in found if at >= since)


def show(name: str, late: list[float], wanted: int) -> None:
    """Print what was measured."""
    missed = "" if len(late) == wanted else f"; {wanted - len(late)} MISSED"
    figures = ", ".join(
        f"{word} {late[int((len(late) - 1) * part)]:.3f} s"
        for word, part in (("median", 0.5), ("p99", 0.99), ("last", 1.0))
    )
    print(f"{name}: {len(late)} began, {figures} after the minute{missed}", flush=True)


def next_minute() -> float:
    """The first minute for which there is time to get ready; waits if the next is too near."""
    now = time.time()
    if MINUTE_S - now % MINUTE_S < HEAD_START_S:
        time.sleep(HEAD_START_S)
        now = time.time()
    return now - now % MINUTE_S + MINUTE_S


def main(*, quick: bool = False) -> int:
    """Measure one after the other and print."""
    if os.geteuid() != 0 or shutil.which("cron") is None:
        print("needs root and Debian's cron: apt-get install cron", file=sys.stderr)
        return 1
    minutes = 1 if quick else 3
    with bench() as one:
        table, theirs, ours = (one.directory / name for name in ("cron.d", "theirs", "ours"))
        for each in (table, theirs, ours):
            each.mkdir()
        one.directory.chmod(0o755)
        since = next_minute()
        with debian(table, theirs):
            late = said(theirs, minutes, since)
        show("Debian's cron", late, JOBS * minutes)
        one.start_master()
        for number in range(1, 4):
            one.start_agent(number, "--resources=cpus:64;mem:65536;disk:65536")
        api = Api(one, "chronos", "/v1/scheduler/jobs/summary")
        for number in range(JOBS):
            document = {"name": f"job-{number}", "command": command_of(ours, number), **BODY}
            api.read("PUT", f"/v1/chronos/jobs/job-{number}", document)
        show("Chronos", said(ours, minutes, next_minute()), JOBS * minutes)
    return 0


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
