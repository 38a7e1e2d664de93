"""A small client of ``mesostw.live.v1``, as strict as a browser should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from mesostw.feed.frames import Frame

Rows = dict[int, dict[str, Any]]


class ModelClient:
    """Follows one topic; takes a snapshot when told to, and refuses gaps."""

    def __init__(self, topic: str, snapshot: Callable[[], dict[str, Any]]) -> None:
        self.topic, self._snapshot = topic, snapshot
        self.rows: Rows = {}
        self.known: tuple[str, int] | None = None
        self.wants_snapshot = True
        self.following = False
        self.resets: list[str] = []
        self.ended: list[tuple[int, str]] = []
        self.frames: list[dict[str, Any]] = []
        self.closed = False

    # --- the outlet that a server writes to

    def say(self, frame: Frame) -> None:
        if not self.closed:
            self.received(frame.payload)

    def end(self, code: int, reason: str) -> None:
        self.ended.append((code, reason))

    # --- the client

    def hello(self) -> bytes:
        return msgspec.json.encode({"t": "hello", "v": 1, "client": "model"})

    def sub(self) -> bytes:
        self.following = False
        if self.wants_snapshot:
            self.take_snapshot()
        return msgspec.json.encode(
            {"t": "sub", "id": 1, "topic": self.topic, "set": "list", "since": self.known}
        )

    def take_snapshot(self) -> None:
        body = self._snapshot()
        names, columns = list(body["cols"]), list(body["cols"].values())
        self.rows = {
            handle: dict(zip(names, values, strict=True))
            for handle, *values in zip(body["h"], *columns, strict=True)
        }
        self.known = (body["epoch"], body["seq"])
        self.wants_snapshot = False

    def received(self, payload: bytes) -> None:
        word = msgspec.json.decode(payload)
        self.frames.append(word)
        match word["t"]:
            case "d":
                self._changed(word)
            case "ok":
                self.following = True
            case "m":
                # A bookmark speaks only of topics that the server has said ok to.
                if self.known is not None and self.following:
                    self.known = (self.known[0], word["seq"])
            case "reset":
                self.resets.append(word["why"])
                self.wants_snapshot, self.following = True, False

    def _changed(self, word: dict[str, Any]) -> None:
        assert self.known is not None
        first, last = word["q"]
        assert first == self.known[1] + 1, f"a gap: {self.known} then {word['q']}"
        self.known = (self.known[0], last)
        for handle, change in word["c"]:
            if change == 0:
                self.rows.pop(handle, None)
            elif isinstance(change, list):
                self.rows[handle] = change[1]
            else:
                self.rows[handle].update(change)
