"""``mesostw app why`` and ``mesostw app events``."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec
import treq
from twisted.internet.error import ConnectionLost
from twisted.web.client import ResponseFailed

from mesostw.cli.marathon import MarathonApi
from mesostw.cli.peer import ClusterError
from mesostw.cli.tables import print_json, table


async def why(reactor: Any, options: argparse.Namespace) -> int:
    """Print Marathon's explanation: a sentence, facts, what offers lacked, what happened."""
    api = MarathonApi(reactor, options)
    told = await api.get(f"/why/apps/{options.app.strip('/')}")
    if options.json:
        print_json(told)
        return 0
    print(told["sentence"])
    for fact in told.get("facts", ()):
        print(f"  - {fact}")
    short = told.get("shortfalls", ())
    if short:
        print("\nWhat agents lacked:")
        rows = [
            (one["hostname"], one["reason"], ", ".join(one.get("missing", ()))) for one in short
        ]
        print(table(("agent", "reason", "missing"), rows))
    if told.get("story"):
        print("\nWhat last happened to it:")
        for line in told["story"]:
            print(f"  {line}")
    return 0


class Lines:
    """Puts the pieces of an event stream together."""

    def __init__(self, show: Any) -> None:
        self._show = show
        self._rest = b""
        self._kind = ""

    def take(self, piece: bytes) -> None:
        """Take what has come, and show each event that is whole."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for raw in lines:
            name, _, value = raw.rstrip(b"\r").decode("utf-8", "replace").partition(": ")
            if name == "event":
                self._kind = value
            elif name == "data":
                self._show(self._kind, msgspec.json.decode(value))


async def events(reactor: Any, options: argparse.Namespace) -> int:
    """Print events until Marathon, or Ctrl-C, ends it."""
    api = MarathonApi(reactor, options)
    terms: dict[str, Any] = {"event_type": options.types} if options.types else {}
    response = await api.open("/v2/events", terms, "text/event-stream")
    if response.code != 200:
        raise ClusterError(f"{api.address} answered {response.code} to /v2/events")
    stopping: list[bool] = []
    reactor.addSystemEventTrigger("before", "shutdown", stopping.append, True)
    try:
        await treq.collect(response, Lines(_as_json if options.json else _as_line).take)
    except (ResponseFailed, ConnectionLost) as fault:
        # Ctrl-C breaks the stream too, and is no error.
        if not stopping:
            raise ClusterError(f"{api.address} broke off the events") from fault
    return 0


def _as_json(kind: str, event: Any) -> None:
    print(msgspec.json.encode(event).decode(), flush=True)


#: What says most about an event, in this order.
_TOLD = (
    "appId",
    "runSpecId",
    "groupId",
    "uri",
    "taskId",
    "instanceId",
    "taskStatus",
    "condition",
    "host",
)


def _as_line(kind: str, event: Any) -> None:
    words = [str(event[name]) for name in _TOLD if event.get(name)]
    if "plan" in event and "id" not in event:
        words.append(str(event["plan"]["id"]))
    words += [
        f"{action['action'].removesuffix('Application').lower()} {action['app']}"
        for action in event.get("currentStep", {}).get("actions", ())[:3]
    ]
    if "alive" in event or "healthy" in event:
        words.append("healthy" if event.get("alive", event.get("healthy")) else "unhealthy")
    if "id" in event:
        words.append(str(event["id"]))
    words += [str(event[name]) for name in ("message", "reason") if event.get(name)]
    print(f"{event.get('timestamp', '')}  {kind}  {' '.join(words)}", flush=True)
