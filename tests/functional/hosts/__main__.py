"""``python -m tests.functional.hosts``: several of everything on hosts that are cut and killed."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tests.functional.chronos import report as of_chronos
from tests.functional.chronos.__main__ import seeds
from tests.functional.chronos.broken import BROKEN, BROKEN_MASTERS, commands_of
from tests.functional.chronos.campaign import saved
from tests.functional.hosts import report
from tests.functional.hosts.campaign import Hosts
from tests.functional.hosts.faults import KINDS, LOST, plan
from tests.functional.hosts.judging import Judgement, judgement
from tests.functional.hosts.layout import SCALES, Scale
from tests.functional.hosts.network import impediment


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    made = argparse.ArgumentParser(
        prog="python -m tests.functional.hosts",
        description=(
            "Make hosts out of network namespaces, run three ZooKeepers, masters, agents and "
            "Chronoses and two Marathons on them, and cut, delay, kill, stop and starve them; "
            "then judge what ran and what is said of it. Needs root, iproute2 and nftables. "
            "The status is 0 if every rule held for every seed."
        ),
        epilog=(
            "brief takes under two minutes for each seed, quick about four; classic has five "
            "hosts and takes twenty minutes; soak takes over four hours. The kinds of faults: "
            f"{', '.join(KINDS)}; and in classic and soak: {LOST}."
        ),
    )
    made.add_argument("--profile", choices=SCALES, default="quick", help="how long (quick)")
    made.add_argument("--seeds", type=seeds, default=[1], help="as 1-10, or 3,5; one run each (1)")
    made.add_argument(
        "--only", choices=KINDS, action="append", default=[], help="this kind of fault; repeatable"
    )
    made.add_argument("--strict", action="store_true", help="excuse no instant, whatever was away")
    made.add_argument("--keep", action="store_true", help="leave logs, history and evidence behind")
    made.add_argument("--plan", action="store_true", help="only print what a seed would do")
    made.add_argument(
        "--broken",
        choices=(*BROKEN, *BROKEN_MASTERS),
        help="break a promise of all Chronoses, or (the last) of all masters: must come out red",
    )
    made.add_argument("--results", type=Path, help="a file for all verdicts, as JSON")
    return made


def main(words: Sequence[str]) -> int:
    """Run each seed, and tell of all of them; the exit status."""
    asked = parser().parse_args(words)
    scale = SCALES[asked.profile]
    if asked.plan:
        for seed in asked.seeds:
            text = msgspec.json.format(msgspec.json.encode(plan(scale, seed, asked.only)), indent=1)
            sys.stdout.write(text.decode() + "\n")
        return 0
    reason = impediment()
    if reason:
        sys.stdout.write(f"{reason}\n")
        return 2
    # Whoever ends this wants nothing to be left of it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    rows, runs, held = [report.heading()], [], True
    for seed in asked.seeds:
        row, found, is_held = _run(asked, scale, seed)
        rows.append(row)
        runs.append((seed, found))
        held = held and is_held
        if asked.results is not None:
            report.save(asked.results, runs, strict=asked.strict)
    rows += ["", report.heading(report.FAULTS_HEADER)]
    rows += report.faults([found for _, found in runs])
    sys.stdout.write("\n".join(["", *rows, ""]))
    return int(not held)


def _run(asked: argparse.Namespace, scale: Scale, seed: int) -> tuple[str, Judgement, bool]:
    """One seed: its row, its judgement, and whether all rules held."""
    campaign = Hosts(scale, seed, asked.only, commands_of(asked.broken))
    is_held = False
    try:
        try:
            evidence = campaign.evidence()
            assert campaign.found is not None
            left = replace(campaign.found, chronos=evidence)
            found = judgement(left, campaign.scale, strict=asked.strict)
        except BaseException:
            sys.stdout.write(campaign.tails() + "\n")
            raise
        is_held = not found.findings and not campaign.left
        saved(campaign.directory, campaign.plan, evidence)
        report.save(campaign.directory / "results.json", [(seed, found)], strict=asked.strict)
        held = "held" if is_held else "broken"
        sys.stdout.write(f"=== seed {seed} on hosts: {held}; of Chronos:\n")
        sys.stdout.write(f"{report.table(seed, evidence, found)}\n")
        sys.stdout.write(f"{of_chronos.story(evidence)}\n")
        sys.stdout.write(campaign.found.app.story)
        sys.stdout.writelines(f"was left over: {line}\n" for line in campaign.left)
        sys.stdout.flush()
    finally:
        if asked.keep and not is_held:
            campaign.network.remove()
            sys.stdout.write(f"kept in {campaign.directory}\n")
        else:
            campaign.remove()
    return report.row(seed, evidence, found), found, is_held


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
