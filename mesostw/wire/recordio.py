"""
RecordIO: how events follow each other in the body of an HTTP answer.

Each record is its length in bytes, in decimal, a line feed, and the bytes. There is
no end mark, and a record of no bytes does not occur.
"""

from __future__ import annotations

from typing import Final

from mesostw.wire.errors import MalformedRecord

#: The largest record that is read, in bytes; the largest frame of the bus.
RECORD_BYTES_MAX: Final = 16 * 1024 * 1024
#: Digits of a length; more are refused before a line feed is seen.
LENGTH_DIGITS_MAX: Final = len(str(RECORD_BYTES_MAX))


def encode(record: bytes) -> bytes:
    """One record, as it stands in the stream."""
    return b"%d\n%b" % (len(record), record)


class Records:
    """
    The records of one stream, whatever reads they came by.

    :param bytes_max: the largest record that is taken.
    """

    def __init__(self, bytes_max: int = RECORD_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._rest = bytearray()
        self._start = 0
        # The length of the record that has begun; None while its digits come.
        self._length: int | None = None

    @property
    def unfinished(self) -> bool:
        """Whether a record has begun that has not ended."""
        return bool(self._rest) or self._length is not None

    def take(self, read: bytes) -> list[bytes]:
        """
        Return each record that ends within ``read``, oldest first.

        Raises :class:`MalformedRecord`; the stream is of no more use then.
        """
        self._rest += read
        found: list[bytes] = []
        while True:
            if self._length is None:
                self._length = self._next_length()
            if self._length is None or len(self._rest) - self._start < self._length:
                break
            end = self._start + self._length
            found.append(bytes(self._rest[self._start : end]))
            self._start, self._length = end, None
        del self._rest[: self._start]
        self._start = 0
        return found

    def _next_length(self) -> int | None:
        end = self._rest.find(b"\n", self._start, self._start + LENGTH_DIGITS_MAX + 1)
        digits = bytes(self._rest[self._start : end if end >= 0 else None])
        if end < 0 and len(digits) <= LENGTH_DIGITS_MAX and (not digits or digits.isdigit()):
            return None
        if end < 0 or not digits.isdigit():
            message = f"a record's length is no number: {digits[: LENGTH_DIGITS_MAX + 1]!r}"
            raise MalformedRecord(message)
        length = int(digits)
        if not 1 <= length <= self._bytes_max:
            message = f"a record of {length} bytes is not within 1 to {self._bytes_max}"
            raise MalformedRecord(message)
        self._start = end + 1
        return length
