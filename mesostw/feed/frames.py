"""The words of ``mesostw.live.v1``: what a server says, and what a client may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from mesostw.feed.tables import Op

PROTOCOL: Final = "mesostw.live.v1"
VERSION: Final = 1


class Frame:
    """One text for one or for a thousand clients; its WebSocket framing is made once."""

    __slots__ = ("_framed", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._framed: bytes | None = None

    @property
    def framed(self) -> bytes:
        """The payload as one unmasked, uncompressed WebSocket text frame."""
        if self._framed is None:
            self._framed = framed(self.payload)
        return self._framed


def framed(payload: bytes) -> bytes:
    """A text frame as a server sends it (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes((size,)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


# --- what a client may say ---------------------------------------------------


class Hello(Struct, frozen=True, tag_field="t", tag="hello"):
    """The first word of a client."""

    v: int
    client: Annotated[str, Meta(max_length=200)] = ""


class Sub(Struct, frozen=True, tag_field="t", tag="sub"):
    """
    Follow ``topic``; ``since`` is the epoch and number that the client knows it up to.

    Without ``since`` the whole table is sent first.
    """

    id: int
    topic: str
    set: str = "list"
    since: tuple[str, int] | None = None


class Unsub(Struct, frozen=True, tag_field="t", tag="unsub"):
    """Follow the topic of subscription ``id`` no more."""

    id: int


class Vis(Struct, frozen=True, tag_field="t", tag="vis"):
    """Whether the page is hidden; a hidden one is told every 2 s only."""

    hidden: bool


Said: TypeAlias = Hello | Sub | Unsub | Vis

_said: Final[msgspec.json.Decoder[Said]] = msgspec.json.Decoder(Said)
_json: Final = msgspec.json.Encoder()


def said(payload: bytes) -> Said:
    """
    Read one word of a client.

    :raises msgspec.DecodeError: it is none (``ValidationError`` is a kind of it).
    """
    return _said.decode(payload)


# --- what a server says -----------------------------------------------------


def delta(topic: str, first: int, last: int, ops: Sequence[Op]) -> Frame:
    """What changed in a topic from the number ``first`` to ``last``, both included."""
    return Frame(_json.encode({"t": "d", "k": topic, "q": (first, last), "c": ops}))


def welcome(epoch: str, seq: int, now_ms: int, flush_ms: int, version: str) -> Frame:
    """The answer to a hello."""
    return Frame(
        _json.encode(
            {
                "t": "welcome",
                "v": VERSION,
                "epoch": epoch,
                "seq": seq,
                "now": now_ms,
                "flush": flush_ms,
                "version": version,
                "feat": [],
            }
        )
    )


def ok(number: int, topic: str, seq: int, enums: Mapping[str, Sequence[str]]) -> Frame:
    """A subscription holds; ``seq`` is the number that the deltas will lead up to first."""
    return Frame(
        _json.encode({"t": "ok", "id": number, "topic": topic, "seq": seq, "enums": enums})
    )


def reset(number: int, topic: str, why: str) -> Frame:
    """The subscription is void: take a snapshot and subscribe again."""
    return Frame(_json.encode({"t": "reset", "id": number, "k": topic, "why": why}))


def bookmark(seq: int, now_ms: int, lag_ms: int) -> Frame:
    """Every followed topic is known up to ``seq``."""
    return Frame(_json.encode({"t": "m", "seq": seq, "now": now_ms, "lag": lag_ms}))


def bye(why: str, url: str | None) -> Frame:
    """The server ends; come back to ``url`` after a random time within ``retry`` ms."""
    return Frame(_json.encode({"t": "bye", "why": why, "url": url, "retry": (250, 4000)}))
