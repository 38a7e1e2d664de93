"""How runs on hosts are told: a table for each, one of all faults, and files for who compares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.functional.chronos import report
from tests.functional.chronos.evidence import Evidence
from tests.functional.chronos.report import SHOWN_MAX
from tests.functional.hosts.judging import Judgement
from tests.functional.hosts.lookout import Recovery

HEADER = (
    "| seed | faults | windows | served | excused | app changes | tasks | updates lost "
    "| launched twice | changes lost | other rules broken |"
)
FAULTS_HEADER = (
    "| fault | times | runs held | longest without a leader of each (s) "
    "| longest without a new task (s) | all back after (s) |"
)
#: Rules by the column that they are counted in.
_UPDATES = ("lost",)
_LAUNCHES = ("repeated",)
_CHANGES = ("forgotten", "unread", "stale")


def table(seed: int, evidence: Evidence, found: Judgement) -> str:
    """One run: a line for each rule, and what there was to judge."""
    lines = [report.table(seed, evidence, found.chronos), "", f"{'beside Chronos':<14}"]
    lines += [f"{one.rule:<14}{one.judged:>8}{len(one.findings):>8}" for one in found.rulings]
    lines += [
        "",
        f"app       {found.changes} changes taken; nothing promised for {found.waived_s:.1f} s",
        f"tasks     {found.tasks} of the framework that notes everything",
    ]
    lines += [
        f"fault     {one.kind}: not led for {one.unserved_s:.1f} s, no new task for "
        f"{one.pause_s:.1f} s at the longest; all back {_seconds(one.whole_s)} after its end"
        for one in found.recoveries
    ]
    for ruling in found.rulings:
        lines += [f"{one.rule}: {one.text}" for one in ruling.findings[:SHOWN_MAX]]
    return "\n".join(lines)


def _seconds(found: float | None) -> str:
    return "never" if found is None else f"{found:.1f} s"


def _count(found: Judgement, rules: Sequence[str]) -> int:
    every = [*found.chronos.rulings, *found.rulings]
    return sum(len(one.findings) for one in every if one.rule in rules)


def row(seed: int, evidence: Evidence, found: Judgement) -> str:
    """One run as a row."""
    counted = (*_UPDATES, *_LAUNCHES, *_CHANGES)
    others = sorted({one.rule for one in found.findings if one.rule not in counted})
    chronos = found.chronos
    cells = (
        seed,
        len(evidence.harms),
        chronos.wished,
        chronos.served,
        chronos.excused,
        found.changes,
        found.tasks + len(evidence.tasks),
        _count(found, _UPDATES),
        _count(found, _LAUNCHES),
        _count(found, _CHANGES),
        ", ".join(others) or 0,
    )
    return f"| {' | '.join(map(str, cells))} |"


def heading(header: str = HEADER) -> str:
    """Of a table."""
    return f"{header}\n|{'---|' * (header.count('|') - 1)}"


def faults(found: Iterable[Judgement]) -> list[str]:
    """Each kind of fault as a row, over many runs."""
    by_kind: defaultdict[str, list[Recovery]] = defaultdict(list)
    held: defaultdict[str, int] = defaultdict(int)
    for one in found:
        for kind in {each.kind for each in one.recoveries}:
            held[kind] += not one.findings
        for each in one.recoveries:
            by_kind[each.kind].append(each)
    rows = []
    for kind, times in by_kind.items():
        back = [one.whole_s for one in times if one.whole_s is not None]
        last = f"{max(back):.1f}" if len(back) == len(times) else "never"
        unled, pause = max(one.unserved_s for one in times), max(one.pause_s for one in times)
        cells = (kind, len(times), held[kind], f"{unled:.1f}", f"{pause:.1f}", last)
        rows.append(f"| {' | '.join(map(str, cells))} |")
    return sorted(rows)


def save(path: Path, runs: Sequence[tuple[int, Judgement]], *, strict: bool) -> None:
    """Keep the verdicts of many runs."""
    document: list[dict[str, Any]] = [
        {
            "seed": seed,
            "strict": strict,
            "held": not found.findings,
            "verdict": found,
        }
        for seed, found in runs
    ]
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))
