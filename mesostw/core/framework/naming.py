"""
Names and versions that nobody else gives, for the core of any framework.

They are made from a nonce of this life and a counter, and from the time that a turn has, so
that the same lives give the same ones.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Protocol

NONCE_BYTES: Final = 8


class Chance(Protocol):
    """A seeded source of chance; ``random.Random`` is one."""

    def random(self) -> float:
        """From 0 up to 1."""

    def shuffle(self, x: list[object]) -> None:
        """Put ``x`` in any order."""

    def randrange(self, start: int) -> int:
        """From 0 up to ``start``, which is left out."""


class Names:
    """
    Names that nobody else gives: a nonce of this life, then a counter, as UUIDs are written.

    :param nonce: 8 bytes that no other life of any framework has
    """

    def __init__(self, nonce: bytes) -> None:
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"the nonce of a life is {NONCE_BYTES} bytes, not {len(nonce)}")
        self._nonce = nonce
        self._last = 0

    def next(self) -> str:
        """One more name."""
        self._last += 1
        text = (self._nonce + self._last.to_bytes(8, "big")).hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def stamp_of(wall: float) -> str:
    """A wall second as a version: always three decimals, so that text sorts as time does."""
    at = datetime.fromtimestamp(wall, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def stamp_after(last: str, wall: float) -> str:
    """A new version: the time, but later than ``last``, also when a clock goes back."""
    stamp = stamp_of(wall)
    if stamp > last:
        return stamp
    # Half a millisecond more, since the last one's own was cut off.
    return stamp_of(datetime.fromisoformat(last).timestamp() + 0.0015)
