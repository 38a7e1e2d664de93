"""``/ping``, ``/metrics``, ``/config`` and ``/help``: the daemon itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from mesostw.core.marathon.records import Condition
from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.marathon.counting import Tally
from mesostw.http.marathon.parts import MarathonParts
from mesostw.http.metrics import PROMETHEUS, series, system_metrics
from mesostw.http.rendering import JSON, TEXT, Reply
from mesostw.model.apps import ROOT

#: Of the object that ``/metrics`` answers.
METRICS_VERSION: Final = "4.0.0"


async def ping(call: Call, words: tuple[str, ...]) -> Reply:
    """``pong``; as JSON only if JSON is what the client wants."""
    if words:
        raise ApiRefusal.no_route()
    accept = call.headers("accept")
    if accept is None or not accept.strip():
        return Reply(b"pong", TEXT)
    if any(call.accepts(kind) for kind in ("text/plain", "text/*", "*/*", "text/html")):
        return Reply(b"pong", TEXT)
    if call.accepts(JSON) or call.accepts("application/*"):
        return json_reply("pong")
    return Reply(status=204)


def gauges(parts: MarathonParts) -> dict[str, float]:
    """What Marathon's tables tell, under the original's names."""
    view = parts.view
    conditions = Counter(one.condition for one in view.instances.values())
    tally = Tally()
    for instance in view.instances.values():
        tally.add(view, instance, 0.0)
    led = max(0.0, parts.clock.wall() - parts.identity.started)
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
        "marathon.uptime.gauge.seconds": led,
    }


class SystemApi:
    """What answers for the daemon, leader or not."""

    def __init__(self, parts: MarathonParts, routes: Mapping[str, str]) -> None:
        self._parts, self._routes = parts, routes

    async def metrics(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/metrics`` as JSON, ``/metrics/prometheus`` as Prometheus reads it."""
        counters = self._parts.counters()
        match words:
            case ():
                shape = {
                    "version": METRICS_VERSION,
                    "gauges": {name: {"value": value} for name, value in self._gauges().items()},
                    "counters": {name: {"count": value} for name, value in counters.items()},
                    "histograms": {},
                    "meters": {},
                    "timers": {},
                }
                return json_reply(shape)
            case ("prometheus",):
                lines: list[str] = []
                for kind, numbers in (("gauge", self._gauges()), ("counter", counters)):
                    for name, value in sorted(numbers.items()):
                        lines += series(_flat(name), kind, (({}, value),))
                return Reply(("\n".join(lines) + "\n").encode(), PROMETHEUS)
            case _:
                raise ApiRefusal.no_route()

    def _gauges(self) -> dict[str, float]:
        system = {
            "marathon." + name.replace("/", ".") + ".gauge": value
            for name, value in system_metrics().items()
        }
        return {**gauges(self._parts), **system}

    async def config(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/config``: every flag as it was given or defaulted."""
        if words:
            raise ApiRefusal.no_route()
        return json_reply(dict(sorted(self._parts.identity.flags.items())))

    async def help(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/help``: what there is, on one page."""
        rows = "".join(
            f"<tr><td><code>{path}</code></td><td>{text}</td></tr>"
            for path, text in self._routes.items()
        )
        page = (
            "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Marathon's API</title>"
            "<style>body{font:16px/1.5 system-ui;margin:2rem;max-width:60rem}"
            "td{padding:.2rem 1rem .2rem 0;vertical-align:top}</style>"
            f"<h1>Marathon's API</h1><table>{rows}</table>"
        )
        return Reply(page.encode(), "text/html; charset=utf-8")


def _flat(name: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in name)
