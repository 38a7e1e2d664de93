"""What Marathon's tables tell ``/metrics``."""

from __future__ import annotations

from collections import Counter

from mesostw.core.marathon.records import Condition
from mesostw.http.marathon.counting import Tally
from mesostw.http.marathon.parts import MarathonParts
from mesostw.model.apps import ROOT


def gauges(parts: MarathonParts) -> dict[str, float]:
    """What Marathon's tables tell, under the original's names."""
    view = parts.view
    conditions = Counter(one.condition for one in view.instances.values())
    tally = Tally()
    for instance in view.instances.values():
        tally.add(view, instance, 0.0)
    up = max(0.0, parts.clock.wall() - parts.identity.started)
    led = parts.numbers().get("election/leading_seconds", up)
    return {
        "marathon.apps.active.gauge": len(view.apps),
        "marathon.deployments.active.gauge": len(view.deployments),
        "marathon.groups.active.gauge": len({ROOT, *view.groups}),
        "marathon.instances.running.gauge": tally.running,
        "marathon.instances.staged.gauge": tally.staged,
        "marathon.instances.healthy.gauge": tally.healthy,
        "marathon.instances.unhealthy.gauge": tally.unhealthy,
        "marathon.instances.unreachable.gauge": (
            conditions[Condition.UNREACHABLE] + conditions[Condition.UNREACHABLE_INACTIVE]
        ),
        "marathon.instances.waiting.gauge": sum(one.count for one in view.waiting.values()),
        "marathon.leadership.duration.gauge.seconds": led if parts.leader() == "" else 0.0,
        "marathon.uptime.gauge.seconds": up,
    }
