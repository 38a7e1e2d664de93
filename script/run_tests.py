"""Run every check in turn, counting honestly; the last line is the sum of all runners."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
SLOW = ("simulation", "functional", "compatibility")
#: So many modules of those are run at once, each with ports of its own.
PORTS = ("31000-31999", "30000-30999")

#: What trial prints last: ``PASSED (skips=1, successes=2)`` or ``FAILED (failures=1, ...)``.
TRIAL_SUMMARY = re.compile(r"^(?:PASSED|FAILED)(?: \((?P<counts>[^)]*)\))?$", re.MULTILINE)
VITEST_SUMMARY = re.compile(r"^\s*Tests\s+(?P<counts>.*)\(\d+\)", re.MULTILINE)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Tally:
    """What passed, failed and was skipped so far."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        self._lock = threading.Lock()

    def add(self, *, passed: int = 0, failed: int = 0, skipped: int = 0) -> None:
        """Count one runner's results."""
        with self._lock:
            self.passed += passed
            self.failed += failed
            self.skipped += skipped


def run(
    title: str, command: list[str], cwd: Path = ROOT, *, at_end: bool = False, **given: str
) -> tuple[int, str]:
    """
    Run ``command`` with its output shown and kept, and ``given`` in its environment.

    :param at_end: show all of it when it has ended, since others run at the same time.
    """
    print(f"== {title}: {' '.join(command)}", flush=True)
    began = time.monotonic()
    path = f"{BIN}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PATH": path, **given}
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        if not at_end:
            sys.stdout.write(line)
        lines.append(line)
    status = child.wait()
    ended = f"== {title}: {time.monotonic() - began:.0f} s, exit status {status}\n"
    # In one piece, whoever else writes.
    sys.stdout.write("".join(lines) + ended if at_end else ended)
    sys.stdout.flush()
    return status, ANSI.sub("", "".join(lines))


def count_of(word: str, counts: str) -> int:
    """The number that belongs to ``word`` in a runner's summary."""
    found = re.search(rf"{word}=(\d+)", counts) or re.search(rf"(\d+) {word}", counts)
    return int(found[1]) if found else 0


def check(tally: Tally, title: str, command: list[str], cwd: Path = ROOT) -> None:
    """A check that only passes or fails counts as one test."""
    status, _ = run(title, command, cwd)
    tally.add(passed=int(status == 0), failed=int(status != 0))


def trial(tally: Tally, title: str, names: list[str], lane: int | None = None) -> None:
    """
    Run trial over ``names`` and count what it says; a run without a summary has failed.

    :param lane: which of those it is that run at the same time; ``None`` if it is alone.
    """
    command = [str(BIN / "python"), "-m", "twisted.trial", "--reporter=verbose"]
    command += [f"--temp-directory=_trial_temp-{lane or 0}", *names]
    shared, ports = lane is not None, PORTS[lane or 0]
    status, output = run(title, command, at_end=shared, MESOSTW_TEST_PORTS=ports)
    summaries = TRIAL_SUMMARY.findall(output)
    if not summaries:
        tally.add(failed=1)
        return
    counts = summaries[-1]
    failed = count_of("failures", counts) + count_of("errors", counts)
    if status and not failed:
        failed = 1
    tally.add(
        passed=count_of("successes", counts) + count_of("expectedFailures", counts),
        failed=failed + count_of("unexpectedSuccesses", counts),
        skipped=count_of("skips", counts),
    )


def side_by_side(tally: Tally, *rooms: str) -> None:
    """Run the modules of rooms, a few at once, those with most to do first."""
    modules = [
        entry
        for room in rooms
        for entry in (ROOT / "tests" / room).iterdir()
        if entry.name.startswith("test_") or (entry / "__init__.py").exists()
    ]
    modules.sort(key=_size, reverse=True)
    waiting: SimpleQueue[Path] = SimpleQueue()
    for module in modules:
        waiting.put(module)

    def work(lane: int) -> None:
        while True:
            try:
                module = waiting.get_nowait()
            except Empty:
                return
            name = f"tests.{module.parent.name}.{module.stem}"
            trial(tally, name, [name], lane)

    lanes = [threading.Thread(target=work, args=(lane,)) for lane in range(len(PORTS))]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()


def _size(module: Path) -> int:
    files = module.rglob("*.py") if module.is_dir() else (module,)
    return sum(file.stat().st_size for file in files)


def dashboard(tally: Tally) -> None:
    """The dashboard's own checks and tests."""
    web = ROOT / "web"
    if not (web / "package.json").exists():
        return
    check(tally, "dashboard types", ["npm", "run", "--silent", "check"], web)
    status, output = run("dashboard tests", ["npm", "test", "--silent"], web)
    found = VITEST_SUMMARY.findall(output)
    if not found:
        tally.add(failed=1)
        return
    failed = count_of("failed", found[-1])
    tally.add(
        passed=count_of("passed", found[-1]),
        failed=failed or int(status != 0),
        skipped=count_of("skipped", found[-1]),
    )


def main(arguments: list[str]) -> int:
    """Run all, or without the slow rooms when the first argument is ``fast``."""
    tally = Tally()
    # What is one's own package depends on the tree, which is no part of a cached answer.
    check(tally, "ruff check", [str(BIN / "ruff"), "check", "--no-cache", "."])
    check(tally, "ruff format", [str(BIN / "ruff"), "format", "--check", "."])
    check(tally, "mypy", [str(BIN / "mypy")])
    tests = ROOT / "tests"
    units = sorted(
        f"tests.{entry.stem}"
        for entry in tests.iterdir()
        if (entry.is_dir() and (entry / "__init__.py").exists() and entry.name not in SLOW)
        or entry.name.startswith("test_")
    )
    trial(tally, "unit and contract", units)
    if "fast" not in arguments:
        # Apart: what computes all the time would be in the way of what watches the clock.
        side_by_side(tally, "simulation")
        side_by_side(tally, "functional", "compatibility")
    dashboard(tally)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return int(tally.failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
