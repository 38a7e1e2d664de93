"""How a run is told: a table for who reads, and a file for who compares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.functional.chronos.evidence import Evidence
from tests.functional.chronos.judging import Verdict

#: Findings of one rule that are shown.
SHOWN_MAX = 10


def table(seed: int, evidence: Evidence, verdict: Verdict) -> str:
    """One run: a line for each rule, and what there was to judge."""
    lines = [f"seed {seed}: {'broken' if verdict.findings else 'held'}", ""]
    lines += [f"{'rule':<14}{'judged':>8}{'broken':>8}"]
    lines += [f"{one.rule:<14}{one.judged:>8}{len(one.findings):>8}" for one in verdict.rulings]
    lines += [
        "",
        f"windows   {verdict.wished} wished, {verdict.served} served, {verdict.excused} excused",
        f"tasks     {len(evidence.tasks)} began; {len(evidence.runs)} records at the end",
        f"requests  {_counts(verdict.asked)}",
        f"faults    {_counts(verdict.harms)}",
        f"lag       {_lags(verdict)} of {len(verdict.lags)} while nothing was wrong",
        f"recovery  taken {_seconds(evidence.probe.acked_s)}, "
        f"run in time {_seconds(evidence.probe.on_time_s)} after the last heal",
    ]
    for ruling in verdict.rulings:
        lines += [f"{one.rule}: {one.job} {one.text}" for one in ruling.findings[:SHOWN_MAX]]
    return "\n".join(lines)


def story(evidence: Evidence) -> str:
    """What went wrong when, in seconds from the beginning."""
    begun = evidence.begun
    return "\n".join(
        f"{one.start - begun:8.3f} to {one.end - begun:8.3f}  {one.kind}: "
        f"{', '.join(one.targets)}; {one.note}"
        for one in evidence.harms
    )


HEADER = (
    "| seed | faults | windows | served | excused | tasks | broken "
    "| lag p50, p99, max (s) | in time after the heal (s) |"
)


def heading() -> str:
    """Of the rows of many runs."""
    return f"{HEADER}\n|{'---|' * (HEADER.count('|') - 1)}"


def row(seed: int, evidence: Evidence, verdict: Verdict) -> str:
    """One run as a row."""
    rules = [one.rule for one in verdict.rulings if one.findings]
    cells = (
        seed,
        len(evidence.harms),
        verdict.wished,
        verdict.served,
        verdict.excused,
        len(evidence.tasks),
        ", ".join(rules) or 0,
        _lags(verdict),
        _seconds(evidence.probe.on_time_s).removesuffix(" s"),
    )
    return f"| {' | '.join(map(str, cells))} |"


def save(path: Path, seed: int, verdict: Verdict, *, strict: bool) -> None:
    """Keep a verdict for who compares."""
    document = {
        "seed": seed,
        "strict": strict,
        "held": not verdict.findings,
        "verdict": verdict,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))


def _lags(verdict: Verdict) -> str:
    shares: Sequence[float] = (0.5, 0.99, 1.0)
    return ", ".join(_seconds(verdict.lag(share)).removesuffix(" s") for share in shares)


def _seconds(found: float | None) -> str:
    return "never" if found is None else f"{found:.2f} s"


def _counts(found: object) -> str:
    assert isinstance(found, dict)
    return ", ".join(f"{name} {count}" for name, count in sorted(found.items()))
