"""Marathon's API as a client sees it: requests, answers, and the event stream."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.functional.clusters import wait_until

#: Of an answer, in seconds.
TIMEOUT_S = 30.0


class Answer(NamedTuple):
    """A status and its document; ``None`` if there was no body, text if it was no JSON."""

    status: int
    body: Any


class Marathon:
    """One address of an API that speaks JSON."""

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S) -> None:
        self.address, self._timeout_s = address, timeout_s
        #: Of the last answer, in lower case.
        self.headers: dict[str, str] = {}

    def ask(
        self,
        method: str,
        path: str,
        document: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request over a connection of its own."""
        link = http.client.HTTPConnection(self.address, timeout=self._timeout_s)
        sent = {"Accept": "application/json", **(headers or {})}
        body = None
        if document is not None:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            link.request(method, path, body, sent)
            answer = link.getresponse()
            text = answer.read().decode()
        finally:
            link.close()
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        if "json" in self.headers.get("content-type", ""):
            return Answer(answer.status, json.loads(text) if text else None)
        return Answer(answer.status, text or None)

    def is_up(self) -> bool:
        """Whether it answers at all."""
        try:
            return self.ask("GET", "/ping").status == 200
        except OSError:
            return False

    def framework_id(self) -> str:
        """Of Marathon at its master; empty before it is registered, or while it is away."""
        try:
            answer = self.ask("GET", "/v2/info")
        except OSError:
            return ""
        return str(answer.body.get("frameworkId") or "") if answer.status == 200 else ""


class Listener:
    """Reads ``/v2/events`` until it is closed."""

    def __init__(self, address: str, query: str = "") -> None:
        self._link = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
        self._link.request("GET", f"/v2/events{query}", headers={"Accept": "text/event-stream"})
        self._socket = self._link.sock
        self._answer = self._link.getresponse()
        self.status = self._answer.status
        self.content_type = self._answer.getheader("Content-Type", "")
        #: Type and document of each event, oldest first.
        self.heard: list[tuple[str, dict[str, Any]]] = []
        #: Lines that only say that the stream lives.
        self.beats = 0
        self.ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        kind = ""
        try:
            for raw in self._answer:
                line = raw.decode().rstrip("\r\n")
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self.heard.append((kind, json.loads(line.removeprefix("data: "))))
                    kind = "told"
                elif kind == "told":
                    kind = ""  # the line that ends an event
                else:
                    self.beats += 1
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # closed while it read
        self.ended = True

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All events of one type."""
        return [event for name, event in list(self.heard) if name == kind]

    def kinds(self) -> list[str]:
        """The types of all events in their order."""
        return [name for name, _ in list(self.heard)]

    def wait(self, kind: str, **fields: object) -> dict[str, Any]:
        """The first event of a type with these fields."""

        def found() -> dict[str, Any] | None:
            for event in self.of(kind):
                if all(event.get(name) == value for name, value in fields.items()):
                    return event
            return None

        event: dict[str, Any] = wait_until(f"{kind} {fields}", found)
        return event

    def close(self) -> None:
        """Leave the stream."""
        with contextlib.suppress(OSError):
            # This wakes the thread, which closing would not.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._answer.close()
        self._link.close()
