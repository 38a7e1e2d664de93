"""
Frames: how messages follow each other on a link of the bus.

::

    u32 length    of all that follows, big-endian as all numbers here
    u16 kind      which message (``mesostw.messages.kinds``)
    u16 flags     0; reserved
    u32 route     0, or where a frame goes that is only passed on
    body          one message in msgpack, ``length`` - 8 bytes

A length over ``FRAME_BYTES_MAX`` is refused as soon as it has been read.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from typing import Final, TypeAlias

from mesostw.wire.errors import MalformedFrame

#: The largest ``length``, in bytes.
FRAME_BYTES_MAX: Final = 16 * 1024 * 1024
#: Length, kind, flags and route.
HEADER: Final = struct.Struct(">IHHI")
#: Bytes of the header, and of the body, that ``length`` counts.
HEADER_BYTES: Final = HEADER.size
LENGTH_BYTES: Final = 4
ROUTE_AT: Final = 8
COUNTED_HEADER_BYTES: Final = HEADER_BYTES - LENGTH_BYTES

#: Kind, flags, route, body.
Frame: TypeAlias = tuple[int, int, int, bytes]


def frame(kind: int, body: bytes, route: int = 0, flags: int = 0) -> bytes:
    """One frame, as it goes on the wire."""
    length = len(body) + COUNTED_HEADER_BYTES
    if length > FRAME_BYTES_MAX:
        raise unfit(length)
    return HEADER.pack(length, kind, flags, route) + body


def rerouted(ready: bytes, route: int) -> bytes:
    """Return the ready frame with another route."""
    return b"%b%b%b" % (ready[:ROUTE_AT], route.to_bytes(4, "big"), ready[HEADER_BYTES:])


def unfit(length: int) -> MalformedFrame:
    """Refuse a frame by its length alone."""
    if length > FRAME_BYTES_MAX:
        return MalformedFrame(f"a frame of {length} bytes is over the {FRAME_BYTES_MAX} allowed")
    return MalformedFrame(f"a frame of {length} bytes cannot hold its header")


class Frames:
    """The frames of one link's incoming bytes, whatever reads they came by."""

    __slots__ = ("_missing", "_rest")

    def __init__(self) -> None:
        # What has come of an unfinished frame; it grows in place, so that neither one
        # large frame in small reads nor a byte at a time costs more than its bytes.
        self._rest = bytearray()
        self._missing = 0

    @property
    def unfinished(self) -> bool:
        """Whether a frame has begun that has not ended."""
        return bool(self._rest)

    def take(self, read: bytes, routed: defaultdict[int, list[bytes]] | None = None) -> list[Frame]:
        """
        Return each frame that ends within ``read``, oldest first.

        Bodies are copies and may be kept. Raises :class:`MalformedFrame`; the link is
        of no more use then.

        :param routed: if given, a frame that has a route is not returned but put here
            whole, header and all, under its route: who only passes it on needs no more.
        """
        if self._rest:
            self._rest += read
            self._missing -= len(read)
            if self._missing > 0:
                return []
            read = bytes(self._rest)
            self._rest = bytearray()
        found: list[Frame] = []
        append, unpack = found.append, HEADER.unpack_from
        start, size = 0, len(read)
        last = size - HEADER_BYTES
        while start <= last:
            length, kind, flags, route = unpack(read, start)
            if length > FRAME_BYTES_MAX or length < COUNTED_HEADER_BYTES:
                raise unfit(length)
            end = start + length + LENGTH_BYTES
            if end > size:
                break
            if route and routed is not None:
                routed[route].append(read[start:end])
            else:
                append((kind, flags, route, read[start + HEADER_BYTES : end]))
            start = end
        if start < size:
            self._keep(read[start:])
        return found

    def _keep(self, rest: bytes) -> None:
        self._missing = LENGTH_BYTES - len(rest)
        if self._missing <= 0:
            length = int.from_bytes(rest[:LENGTH_BYTES], "big")
            if not COUNTED_HEADER_BYTES <= length <= FRAME_BYTES_MAX:
                raise unfit(length)
            self._missing += length
        self._rest += rest
