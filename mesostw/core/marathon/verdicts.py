"""What speaks against each agent's last offer, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from mesostw.core.framework.portpick import ANY_PORT
from mesostw.core.framework.spots import Spot
from mesostw.core.marathon.constraints import ONE_EACH, Tally, refusing
from mesostw.core.marathon.matching import Rules, refusals
from mesostw.core.marathon.needs import Need
from mesostw.core.marathon.reasons import FunnelStep, Reason, Shortfall
from mesostw.model.amounts import scalar_text
from mesostw.model.apps import Constraint

#: Agents of which a report tells what they lack.
SHORTFALLS_MAX: Final = 100

#: Which scalar it is, and how people call it.
_SCALARS: Final[Mapping[Reason, tuple[int, str]]] = {
    Reason.INSUFFICIENT_CPUS: (0, "cpus"),
    Reason.INSUFFICIENT_MEMORY: (1, "MiB of memory"),
    Reason.INSUFFICIENT_DISK: (2, "MiB of disk"),
    Reason.INSUFFICIENT_GPUS: (3, "GPUs"),
}


class Verdict(Struct, frozen=True):
    """An offer, and everything that speaks against it for one app; nothing if it does."""

    spot: Spot
    reasons: tuple[Reason, ...]
    #: What it does not fit, if that is one of the reasons.
    constraint: Constraint | None = None


def verdicts(need: Need, spots: Iterable[Spot], tally: Tally, rules: Rules) -> list[Verdict]:
    """Judge offers without using them."""
    found = []
    for spot in spots:
        reasons = tuple(refusals(need, spot, tally, rules))
        constraint = None
        if Reason.UNFULFILLED_CONSTRAINT in reasons:
            constraint = refusing(need.app, spot.place, tally)
        found.append(Verdict(spot, reasons, constraint))
    return found


def funnel(declined: Mapping[Reason, int], processed: int) -> tuple[FunnelStep, ...]:
    """Offers on their way through the reasons, each counted where it stopped."""
    steps = []
    for reason in Reason:
        count = declined.get(reason, 0)
        steps.append(FunnelStep(reason, count, processed))
        processed -= count
    return tuple(steps)


def funnel_of(judged: Sequence[Verdict]) -> tuple[FunnelStep, ...]:
    """The same of offers that were judged together."""
    return funnel(Counter(one.reasons[0] for one in judged if one.reasons), len(judged))


# --- words --------------------------------------------------------------------------


def refused_text(need: Need, judged: Sequence[Verdict]) -> str:
    """Why none of the offers does, the most frequent reason first."""
    groups: dict[Reason, list[Verdict]] = {}
    for one in judged:
        if one.reasons:
            groups.setdefault(one.reasons[0], []).append(one)
    if len(groups) == 1:
        reason, group = next(iter(groups.items()))
        return _none_text(need, reason, group)
    ordered = sorted(groups.items(), key=lambda pair: -len(pair[1]))
    parts = [f"{len(group)} {_some_text(need, reason, group)}" for reason, group in ordered]
    return f"of {len(judged)} agents {', '.join(parts)}"


def shortfalls(need: Need, judged: Sequence[Verdict]) -> tuple[Shortfall, ...]:
    """What agents lack; those come first that lack least."""
    short = sorted((one for one in judged if one.reasons), key=lambda one: _lack(need, one))
    return tuple(
        Shortfall(
            one.spot.agent_id,
            one.spot.place.hostname,
            one.reasons[0],
            ", ".join(_lack_text(need, reason, one) for reason in one.reasons),
        )
        for one in short[:SHORTFALLS_MAX]
    )


def constraint_text(constraint: Constraint | None) -> str:
    """A constraint as people write it."""
    if constraint is None:
        return "the master's region"
    if constraint is ONE_EACH:
        return "one instance on each agent"
    words = [constraint.field, constraint.operator.value]
    if constraint.value is not None:
        words.append(constraint.value)
    return f"[{', '.join(words)}]"


def _none_text(need: Need, reason: Reason, group: Sequence[Verdict]) -> str:
    """All agents are alike."""
    if reason in _SCALARS:
        wanted, what = _wanted(need, reason)
        return f"no agent has {wanted} {what} free; {_most_text(need, reason, group)}"
    match reason:
        case Reason.UNFULFILLED_CONSTRAINT:
            return f"no agent fits {_constraints_text(group)}"
        case Reason.UNFULFILLED_ROLE:
            return "what is free is of roles that acceptedResourceRoles leaves out"
        case Reason.AGENT_MAINTENANCE:
            return "every agent is in or shortly before its maintenance"
        case Reason.INSUFFICIENT_PORTS:
            return f"no agent has {_ports_text(need)} free"
        case _:
            return "all agents that are left have GPUs, which are kept for apps that need them"


def _some_text(need: Need, reason: Reason, group: Sequence[Verdict]) -> str:
    """``have less than 4 cpus free``: what is said of some of several agents."""
    if reason in _SCALARS:
        wanted, what = _wanted(need, reason)
        return f"have less than {wanted} {what} free ({_most_text(need, reason, group)})"
    match reason:
        case Reason.UNFULFILLED_CONSTRAINT:
            return f"do not fit {_constraints_text(group)}"
        case Reason.UNFULFILLED_ROLE:
            return "have too little for the accepted roles"
        case Reason.AGENT_MAINTENANCE:
            return "are in or shortly before their maintenance"
        case Reason.INSUFFICIENT_PORTS:
            return f"do not have {_ports_text(need)} free"
        case _:
            return "have GPUs, which are kept for apps that need them"


def _lack_text(need: Need, reason: Reason, one: Verdict) -> str:
    """What one agent lacks."""
    if reason in _SCALARS:
        wanted, what = _wanted(need, reason)
        return f"{scalar_text(_free(need, reason, one))} of {wanted} {what} free"
    match reason:
        case Reason.UNFULFILLED_CONSTRAINT:
            return f"does not fit {constraint_text(one.constraint)}"
        case Reason.UNFULFILLED_ROLE:
            return "too little for the accepted roles"
        case Reason.AGENT_MAINTENANCE:
            return "in or shortly before its maintenance"
        case Reason.INSUFFICIENT_PORTS:
            return f"does not have {_ports_text(need)} free"
        case _:
            return "has GPUs, which are kept for apps that need them"


def _wanted(need: Need, reason: Reason) -> tuple[str, str]:
    index, what = _SCALARS[reason]
    wanted = scalar_text(need.scalars[index])
    return wanted, what.removesuffix("s") if wanted == "1" else what


def _free(need: Need, reason: Reason, one: Verdict) -> int:
    return one.spot.free(need.accepts)[_SCALARS[reason][0]]


def _most_text(need: Need, reason: Reason, group: Sequence[Verdict]) -> str:
    best = max(group, key=lambda one: _free(need, reason, one))
    return f"the most is {scalar_text(_free(need, reason, best))} on {best.spot.place.hostname}"


def _constraints_text(group: Sequence[Verdict]) -> str:
    texts = Counter(constraint_text(one.constraint) for one in group)
    return " or ".join(text for text, _ in texts.most_common())


def _ports_text(need: Need) -> str:
    fixed = [str(port) for port in need.ports if port != ANY_PORT]
    if len(fixed) == len(need.ports):
        return f"port {', '.join(fixed)}"
    count = len(need.ports) - len(fixed)
    rest = "one port" if count == 1 else f"{count} ports"
    return f"port {', '.join(fixed)} and {rest} more" if fixed else rest


def _lack(need: Need, one: Verdict) -> tuple[int, float]:
    """How far an agent is from doing: by reasons, then by the largest missing share."""
    free = one.spot.free(need.accepts)
    missing = [
        1.0 - free[index] / wanted
        for index, wanted in enumerate(need.scalars)
        if wanted > free[index]
    ]
    return len(one.reasons), max(missing, default=0.0)
