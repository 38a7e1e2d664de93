"""``python -m tests.functional.chronos``: Chronos among real processes, while they are killed."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence

import msgspec

from tests.functional.chronos import report
from tests.functional.chronos.broken import BROKEN, commands_of
from tests.functional.chronos.campaign import Campaign, saved
from tests.functional.chronos.judging import judge
from tests.functional.chronos.plans import plan_of
from tests.functional.chronos.profiles import PROFILES


def seeds(text: str) -> list[int]:
    """``1-3,7`` as numbers."""
    return list(_seeds(text))


def _seeds(text: str) -> Iterator[int]:
    for one in text.split(","):
        first, _, last = one.partition("-")
        yield from range(int(first), int(last or first) + 1)


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    made = argparse.ArgumentParser(
        prog="python -m tests.functional.chronos",
        description=(
            "Run a master, agents and Chronos as real processes, ask for jobs, and kill, stop and "
            "starve the processes meanwhile; then judge what ran and what is said of it. "
            "The status is 0 if every rule held for every seed."
        ),
        epilog=(
            "quick takes about two minutes for each seed; classic twenty minutes, with the times "
            "of the test that the original failed; soak over four hours."
        ),
    )
    made.add_argument("--profile", choices=PROFILES, default="quick", help="how long (quick)")
    made.add_argument("--seeds", type=seeds, default=[1], help="as 1-10, or 3,5; one run each (1)")
    made.add_argument("--strict", action="store_true", help="excuse no instant, whatever was away")
    made.add_argument("--keep", action="store_true", help="leave logs, history and evidence behind")
    made.add_argument("--plan", action="store_true", help="only print what a seed would do")
    made.add_argument(
        "--broken", choices=BROKEN, help="run a Chronos with a promise broken: must come out red"
    )
    return made


def main(words: Sequence[str]) -> int:
    """Run each seed, and tell of all of them; the exit status."""
    asked = parser().parse_args(words)
    profile = PROFILES[asked.profile]
    if asked.plan:
        for seed in asked.seeds:
            text = msgspec.json.format(msgspec.json.encode(plan_of(profile, seed)), indent=1)
            sys.stdout.write(text.decode() + "\n")
        return 0
    # Whoever ends this wants nothing to be left of it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    rows = [report.heading()]
    held = True
    for seed in asked.seeds:
        row, is_held = _run(asked, seed)
        rows.append(row)
        held = held and is_held
    sys.stdout.write("\n".join(["", *rows, ""]))
    return int(not held)


def _run(asked: argparse.Namespace, seed: int) -> tuple[str, bool]:
    """One seed: its row, and whether all rules held."""
    profile = PROFILES[asked.profile]
    campaign = Campaign(profile, seed, commands_of(asked.broken))
    evidence = None
    try:
        evidence = campaign.evidence()
        verdict = judge(evidence, profile, strict=asked.strict)
        saved(campaign.directory, campaign.plan, evidence)
        report.save(campaign.directory / "results.json", seed, verdict, strict=asked.strict)
    finally:
        if evidence is None:
            sys.stdout.write(campaign.tails() + "\n")
        if asked.keep:
            sys.stdout.write(f"kept in {campaign.directory}\n")
        else:
            campaign.remove()
    is_held = not verdict.findings and not campaign.left
    sys.stdout.write(f"{report.table(seed, evidence, verdict)}\n")
    if not is_held:
        sys.stdout.write(f"{report.story(evidence)}\n")
    sys.stdout.writelines(f"was left over: {line}\n" for line in campaign.left)
    sys.stdout.flush()
    return report.row(seed, evidence, verdict), is_held


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
