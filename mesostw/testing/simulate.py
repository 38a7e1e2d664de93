"""
Run simulations by their seeds, and tell the story of those that failed.

::

    python -m mesostw.testing.simulate --seed 7
    python -m mesostw.testing.simulate --seeds 1-200
    python -m mesostw.testing.simulate --masters 3 --seeds 1-200
    python -m mesostw.testing.simulate --marathon --seed 7
    python -m mesostw.testing.simulate --chronos --seed 7
    python -m mesostw.testing.simulate --chronos --year --seed 7
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from twisted.logger import globalLogBeginner

from mesostw.testing.chronos import ChronosCluster
from mesostw.testing.chronos_year import DAYS, ChronosYear
from mesostw.testing.cluster import STORM_S, Cluster, Report
from mesostw.testing.marathon import MarathonCluster


def main(arguments: Sequence[str], out: TextIO) -> int:
    """Run what the command line asks for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mesostw.testing.simulate")
    parser.add_argument("--seed", type=int, help="one seed")
    parser.add_argument("--seeds", type=_seeds, help="seeds from A to B, as A-B")
    parser.add_argument("--seconds", type=float, default=STORM_S, help="how long things go wrong")
    parser.add_argument("--marathon", action="store_true", help="the framework is Marathon")
    parser.add_argument("--chronos", action="store_true", help="the framework is Chronos")
    parser.add_argument("--masters", type=int, default=1, help="how many, over ZooKeeper")
    parser.add_argument("--year", action="store_true", help="200 jobs of Chronos for a year")
    parser.add_argument("--days", type=int, default=DAYS, help="how long such a year is")
    parser.add_argument("--story", action="store_true", help="tell the story also of a success")
    options = parser.parse_args(arguments)
    seeds = options.seeds or range(options.seed or 0, (options.seed or 0) + 1)
    if options.year and not options.chronos:
        parser.error("--year is for --chronos")
    failed = []
    trouble: Counter[str] = Counter()
    began = time.monotonic()
    for seed in seeds:
        report = of_seed(seed, options).run()
        trouble += report.trouble
        if report.faults:
            failed.append(seed)
        if options.story or (report.faults and len(seeds) == 1):
            out.write("\n".join(report.lines) + "\n")
        out.write(summary(report) + "\n")
        if options.year:
            out.write(f"  {report.lines[-1].strip()}\n")
    took = time.monotonic() - began
    out.write(
        f"{len(seeds)} seeds in {took:.1f} s, {sum(trouble.values())} faults made,"
        f" {len(failed)} failed {failed or ''}\n"
    )
    return 1 if failed else 0


def _seeds(text: str) -> range:
    """Seeds as ``1-10``, or one."""
    first, _, last = text.partition("-")
    try:
        return range(int(first), int(last or first) + 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: give seeds as 1-10, or one") from None


def of_seed(seed: int, options: argparse.Namespace) -> Cluster | ChronosYear:
    """What was asked for."""
    if options.year:
        return ChronosYear(seed, days=options.days)
    if options.chronos:
        return ChronosCluster(seed, storm_s=options.seconds, masters=options.masters)
    kind = MarathonCluster if options.marathon else Cluster
    return kind(seed, storm_s=options.seconds, masters=options.masters)


def summary(report: Report) -> str:
    """One run in one line, and what was wrong in more."""
    line = (
        f"seed {report.seed}: {report.virtual_s:.0f} virtual s, {report.steps} steps,"
        f" {report.tasks} containers, {report.statuses} statuses,"
        f" {sum(report.trouble.values())} faults, digest {report.digest}"
    )
    return "\n".join((line, *(f"  WRONG {fault}" for fault in report.faults)))


if __name__ == "__main__":
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False, discardBuffer=True)
    sys.exit(main(sys.argv[1:], sys.stdout))
