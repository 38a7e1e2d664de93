"""``/ping``, ``/metrics``, ``/config`` and ``/help``: a daemon itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from mesostw.http.api.asking import Call, json_reply
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.metrics import PROMETHEUS, series, system_metrics
from mesostw.http.rendering import JSON, TEXT, Reply

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


#: How the name of a number ends that never goes down.
COUNTED: Final = "_total"


def _none() -> Iterable[str]:
    """No lines of Prometheus."""
    return ()


@attrs.frozen(kw_only=True)
class Self:
    """What a daemon tells of itself."""

    #: Of the program; in small letters the first word of the system's gauges.
    name: str
    gauges: Callable[[], Mapping[str, float]]
    counters: Callable[[], Mapping[str, float]]
    #: Of its session, elections and store, ``store/appends_total``: ``_total`` is a count.
    numbers: Callable[[], Mapping[str, float]] = dict
    #: ``--flag`` to its text.
    flags: Mapping[str, str]
    #: What ``/help`` lists: paths to what they are for.
    routes: Mapping[str, str]
    #: Lines of Prometheus with labels, beside gauges and counters.
    lines: Callable[[], Iterable[str]] = _none


class SystemApi:
    """What answers for the daemon, leader or not."""

    def __init__(self, told: Self) -> None:
        self._told = told

    async def metrics(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/metrics`` as JSON, ``/metrics/prometheus`` as Prometheus reads it."""
        counters = self._counters()
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
                lines += self._told.lines()
                return Reply(("\n".join(lines) + "\n").encode(), PROMETHEUS)
            case _:
                raise ApiRefusal.no_route()

    def _gauges(self) -> dict[str, float]:
        prefix = self._told.name.lower()
        system = {
            f"{prefix}." + name.replace("/", ".") + ".gauge": value
            for name, value in system_metrics().items()
        }
        return {**self._told.gauges(), **system, **self._own("gauge", counted=False)}

    def _counters(self) -> dict[str, float]:
        return {**self._told.counters(), **self._own("counter", counted=True)}

    def _own(self, kind: str, *, counted: bool) -> dict[str, float]:
        """Numbers of the session, elections and the store, under names as the others have."""
        prefix = self._told.name.lower()
        return {
            f"{prefix}." + name.removesuffix(COUNTED).replace("/", ".") + f".{kind}": value
            for name, value in self._told.numbers().items()
            if name.endswith(COUNTED) is counted
        }

    async def config(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/config``: every flag as it was given or defaulted."""
        if words:
            raise ApiRefusal.no_route()
        return json_reply(dict(sorted(self._told.flags.items())))

    async def help(self, call: Call, words: tuple[str, ...]) -> Reply:
        """``/help``: what there is, on one page."""
        rows = "".join(
            f"<tr><td><code>{path}</code></td><td>{text}</td></tr>"
            for path, text in self._told.routes.items()
        )
        title = f"{self._told.name}'s API"
        page = (
            f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title}</title>"
            "<style>body{font:16px/1.5 system-ui;margin:2rem;max-width:60rem}"
            "td{padding:.2rem 1rem .2rem 0;vertical-align:top}</style>"
            f"<h1>{title}</h1><table>{rows}</table>"
        )
        return Reply(page.encode(), "text/html; charset=utf-8")


def _flat(name: str) -> str:
    return "".join(one if one.isalnum() else "_" for one in name)
