"""``/roles``: what each role has, is offered, has reserved, and who is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Raw

from mesostw.core.master.state import ClusterState
from mesostw.http import shapes


def roles_of(view: ClusterState) -> list[dict[str, object]]:
    """Every role that is subscribed, used, reserved or weighted, by name."""
    used: dict[str, dict[str, int]] = {}
    offered: dict[str, dict[str, int]] = {}
    reserved: dict[str, dict[str, int]] = {}
    members: dict[str, list[str]] = {}
    for framework in view.frameworks.values():
        for role in framework.roles:
            members.setdefault(role, []).append(framework.id)
    for task in view.tasks.values():
        if not task.is_terminal:
            _add(used, task.role, task.resources.scalars())
    for executor in view.executors.values():
        _add(used, executor.role, executor.resources.scalars())
    for offer in view.offers.values():
        _add(offered, offer.role, offer.resources.scalars())
    for agent in view.agents.values():
        for role in agent.total.roles() if agent.is_registered else ():
            _add(reserved, role, agent.total.reserved_to(role).scalars())
    names = {"*", *members, *used, *offered, *reserved, *view.weights}
    return [
        _role(
            name,
            view.weights.get(name, 1.0),
            used.get(name, {}),
            offered.get(name, {}),
            reserved.get(name, {}),
            members.get(name, []),
        )
        for name in sorted(names)
    ]


def _add(sums: dict[str, dict[str, int]], role: str, scalars: Mapping[str, int]) -> None:
    own = sums.setdefault(role, {})
    for name, amount in scalars.items():
        own[name] = own.get(name, 0) + amount


def _role(
    name: str,
    weight: float,
    used: dict[str, int],
    offered: dict[str, int],
    reserved: dict[str, int],
    members: list[str],
) -> dict[str, object]:
    both: Counter[str] = Counter(used)
    both.update(offered)
    consumed: Counter[str] = Counter(used)
    return {
        "name": name,
        "weight": weight,
        "quota": {
            "role": name,
            "guarantee": {},
            "limit": {},
            "consumed": {key: amount / 1000 for key, amount in consumed.items()},
        },
        "resources": Raw(shapes.sums_text(both)),
        "allocated": Raw(shapes.sums_text(used)),
        "offered": Raw(shapes.sums_text(offered)),
        "reserved": Raw(shapes.sums_text(reserved)),
        "frameworks": members,
    }
