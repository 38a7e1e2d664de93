"""
What an agent and its supervisor say to each other, over a Unix stream socket.

A frame is four bytes of length, the highest first, and that many bytes of JSON:
an array whose first member is the word.  JSON of the standard library, because the
supervisor must stay small: msgspec alone would add 5 MB to it.

The agent says::

    ["launch", {spec}]        a ContainerSpec; a container known by its id is told again
    ["kill", id, signal]      to every process of the container
    ["forget", [id, ...]]     what was told has been kept elsewhere
    ["stop", {"kill": bool}]  end, if no container lives or ``kill`` says to end them

The supervisor says::

    ["hello", {"version": 1, "pid": n}]      first of all; then all that it knows:
    ["starting", id]                         accepted, and not yet running
    ["started", id, pid]
    ["exited", id, status or null, message]
    ["failed", id, reason, message]
    ["synced"]                               that was all; from here on it is news
    ["replaced"]                             another agent has connected: do not come back
    ["stopping"]                             it ends now
    ["busy", n]                              it does not: ``n`` containers live

A supervisor outlives the agent that started it, so either side may be the newer one:
both ignore words and fields that they do not know.  There is one agent at a time; a new
connection ends the one before it, after all that was said on that one has been heard.
"""

from __future__ import annotations

import json
from struct import Struct
from typing import Any, Final

#: What ``hello`` says; counted up when an old word changes its meaning.
VERSION: Final = 1
#: A longer frame is refused by its length alone: no command line is as long.
FRAME_BYTES_MAX: Final = 16 * 1024 * 1024

#: What is told of containers whose exit status nobody knows.
LOST: Final = "The supervisor has died and the container with it; its exit status is unknown"
NOT_KNOWN: Final = "Nobody knows this container, nor what became of it; its status is unknown"

_LENGTH: Final = Struct(">I")
_dump: Final = json.JSONEncoder(separators=(",", ":")).encode


class BadFrame(Exception):
    """The other side does not speak this protocol."""


def framed(body: bytes) -> bytes:
    """The frame of a ready JSON text."""
    return _LENGTH.pack(len(body)) + body


def frame(*words: object) -> bytes:
    """The frame that says ``words``."""
    return framed(_dump(words).encode())


class FrameReader:
    """Cuts a stream of bytes into what was said."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, received: bytes) -> list[list[Any]]:
        """
        Take bytes as they come and give all sentences that are whole.

        :raises BadFrame: if they are no frames; then nothing more may be fed.
        """
        stream = self._rest + received if self._rest else received
        sentences, at = [], 0
        while len(stream) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(stream, at)
            if length > FRAME_BYTES_MAX:
                raise BadFrame(f"a frame of {length} bytes")
            end = at + _LENGTH.size + length
            if end > len(stream):
                break
            sentences.append(_sentence(stream[at + _LENGTH.size : end]))
            at = end
        self._rest = stream[at:]
        return sentences


def _sentence(body: bytes) -> list[Any]:
    try:
        words = json.loads(body)
    except ValueError as fault:
        raise BadFrame(f"no JSON: {fault}") from None
    if not isinstance(words, list) or not words or not isinstance(words[0], str):
        raise BadFrame("no array that begins with a word")
    return words
