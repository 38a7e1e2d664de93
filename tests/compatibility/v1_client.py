"""A small scheduler of the Mesos v1 API on ``http.client`` alone: nothing of ours is in it."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from collections.abc import Callable
from typing import Any, Final

#: What anything may take before a test says what it waited for.
PATIENCE_S: Final = 15.0
SCHEDULER: Final = "/api/v1/scheduler"
JSON_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}

Answer = tuple[int, str]
Event = dict[str, Any]


def request(
    address: str,
    method: str,
    path: str,
    body: object = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes, dict[str, str]]:
    """One request on a connection of its own: status, body, headers by small names."""
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_S)
    try:
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, sent, headers or {})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, answer.read(), found
    finally:
        connection.close()


def get(address: str, path: str) -> Any:
    """The JSON of one page."""
    status, body, _ = request(address, "GET", path)
    assert status == 200, (path, status, body)
    return json.loads(body)


class Chunks:
    """A chunked answer, chunk by chunk, as it comes from the wire."""

    def __init__(self, address: str, body: bytes, headers: dict[str, str]) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        lines = [f"POST {SCHEDULER} HTTP/1.1", f"Host: {address}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self._bytes = b""
        head = self._until(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(head[0].split()[1])
        pairs = (line.partition(":") for line in head[1:])
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.text = ""
        if self.headers.get("transfer-encoding") != "chunked":
            self.text = self._exactly(int(self.headers.get("content-length", 0))).decode()

    def next(self, wait_s: float) -> bytes:
        """The next chunk, empty at the end; raises ``TimeoutError`` if there is none in time."""
        self._socket.settimeout(wait_s)
        size = int(self._until(b"\r\n"), 16)
        chunk = self._exactly(size + 2)
        return chunk[:-2]

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._bytes:
            self._more()
        found, _, self._bytes = self._bytes.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._bytes) < size:
            self._more()
        found, self._bytes = self._bytes[:size], self._bytes[size:]
        return found

    def _more(self) -> None:
        got = self._socket.recv(65536)
        if not got:
            raise ConnectionResetError("the other side has closed")
        self._bytes += got

    def close(self) -> None:
        """Vanish, as a killed process does."""
        self._socket.close()


class Scheduler:
    """A framework, from its SUBSCRIBE until it vanishes."""

    def __init__(self, master: str, info: dict[str, Any] | None = None, **subscribe: Any) -> None:
        self.master = master
        given = info or {}
        self.info: dict[str, Any] = {"user": "root", "name": "v1", **given}
        call: dict[str, Any] = {
            "type": "SUBSCRIBE",
            "subscribe": {"framework_info": self.info, **subscribe},
        }
        if "id" in self.info:
            call["framework_id"] = self.info["id"]
        self.stream = Chunks(master, json.dumps(call).encode(), JSON_HEADERS)
        self.stream_id = self.stream.headers.get("mesos-stream-id", "")
        self.events: list[Event] = []
        self._offered: list[dict[str, Any]] = []
        self.framework_id = self.info.get("id", {}).get("value", "")

    # --- events

    def next(self, wait_s: float = PATIENCE_S) -> Event:
        """The next event, whatever it is; one record of one chunk."""
        chunk = self.stream.next(wait_s)
        if not chunk:
            raise EOFError("the stream has ended")
        length, _, record = chunk.partition(b"\n")
        assert int(length) == len(record), chunk[:100]
        event: Event = json.loads(record)
        self.events.append(event)
        if event["type"] == "OFFERS":
            self._offered += event["offers"]["offers"]
        if event["type"] == "SUBSCRIBED":
            self.framework_id = event["subscribed"]["framework_id"]["value"]
        return event

    def wait(
        self,
        kind: str,
        fits: Callable[[Event], bool] = lambda _event: True,
        wait_s: float = PATIENCE_S,
    ) -> Event:
        """The next event of a kind that fits; other ones are passed over and kept."""
        until = time.monotonic() + wait_s
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {kind} in {wait_s} s; last: {self.events[-3:]}")
            try:
                event = self.next(left)
            except TimeoutError:
                continue
            if event["type"] == kind and fits(event):
                return event

    def silence(self, wait_s: float, *kinds: str) -> None:
        """Nothing of these kinds comes for so long."""
        until = time.monotonic() + wait_s
        while (left := until - time.monotonic()) > 0:
            try:
                event = self.next(left)
            except TimeoutError:
                return
            assert event["type"] not in kinds, event

    def joined(self) -> Event:
        """The SUBSCRIBED event."""
        return self.wait("SUBSCRIBED")

    def offers(self, count: int = 1, wait_s: float = PATIENCE_S) -> list[dict[str, Any]]:
        """At least so many offers, with those that came while something else was waited for."""
        while len(self._offered) < count:
            self.wait("OFFERS", wait_s=wait_s)
        found, self._offered = self._offered, []
        return found

    def status(self, task_id: str, *states: str, wait_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next status of a task, in one of these states if any are named; acknowledged."""

        def fits(event: Event) -> bool:
            status = event["update"]["status"]
            self.acknowledge(status)
            same = status["task_id"]["value"] == task_id
            return same and (not states or status["state"] in states)

        found: dict[str, Any] = self.wait("UPDATE", fits, wait_s)["update"]["status"]
        return found

    # --- calls

    def call(self, kind: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """One call on a connection of its own: status and text of the answer."""
        call: dict[str, Any] = {"framework_id": {"value": self.framework_id}, "type": kind}
        if body is not None:
            call[kind.lower()] = body
        sent = {**JSON_HEADERS, "Mesos-Stream-Id": self.stream_id}
        if headers is not None:
            sent = headers
        status, text, _ = request(self.master, "POST", SCHEDULER, call, sent)
        return status, text.decode()

    def acknowledge(self, status: dict[str, Any]) -> None:
        """Acknowledge a status that asks for it."""
        if "uuid" in status:
            body = {name: status[name] for name in ("agent_id", "task_id", "uuid")}
            assert self.call("ACKNOWLEDGE", body) == (202, "")

    def launch(self, offers: list[dict[str, Any]], *tasks: dict[str, Any]) -> Answer:
        """Accept offers of one agent for tasks."""
        operation = {"type": "LAUNCH", "launch": {"task_infos": list(tasks)}}
        return self.accept(offers, [operation])

    def accept(self, offers: list[dict[str, Any]], operations: object) -> Answer:
        """Accept offers of one agent; what is left is offered again at once."""
        ids = [offer["id"] for offer in offers]
        filters = {"refuse_seconds": 0}
        body = {"offer_ids": ids, "operations": operations, "filters": filters}
        return self.call("ACCEPT", body)

    def decline(self, offers: list[dict[str, Any]], refuse_seconds: float = 0.0) -> Answer:
        """Give offers back."""
        ids = [offer["id"] for offer in offers]
        filters = {"refuse_seconds": refuse_seconds}
        return self.call("DECLINE", {"offer_ids": ids, "filters": filters})

    def leave(self) -> None:
        """Be gone, tasks and all."""
        self.call("TEARDOWN")
        self.stream.close()


def scalar(name: str, value: object) -> dict[str, Any]:
    """An amount of something."""
    return {"name": name, "type": "SCALAR", "scalar": {"value": value}}


def task(offer: dict[str, Any], task_id: str, command: str = "true", **more: Any) -> dict[str, Any]:
    """A small task on the agent of an offer."""
    return {
        "name": task_id,
        "task_id": {"value": task_id},
        "agent_id": offer["agent_id"],
        "resources": [scalar("cpus", 0.1), scalar("mem", 32)],
        "command": {"value": command},
        **more,
    }


def base64_of(data: bytes) -> str:
    """Bytes as they stand in JSON."""
    return base64.b64encode(data).decode()
