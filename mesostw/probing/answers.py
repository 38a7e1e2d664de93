"""
An HTTP/1 answer as its bytes come in: only what a probe wants of it.

Reads the status line, two headers and as much of the body as is wanted.  Nothing of
twisted.web is used: its ``Agent`` costs several times as much for each answer.
"""

from __future__ import annotations

import re
from typing import Final

#: Status line and headers of one answer.
HEAD_BYTES_MAX: Final = 64 * 1024
#: Of a body that nobody wants: read so far, so that the peer need not hear of a reset.
UNWANTED_BYTES_MAX: Final = 64 * 1024
#: Codes of answers without a body, whatever their headers say.
_BODILESS: Final = (204, 304)
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: |$)")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_LINE_END: Final = re.compile(rb"\r?\n")


class BadAnswer(Exception):
    """What came is no HTTP answer; the text says why."""


class Answer:
    """
    One answer; feed it with :meth:`receive` and tell it of the connection's end.

    :param body_bytes_max: how much of the body is wanted.
    """

    def __init__(self, body_bytes_max: int = 0) -> None:
        self._body_bytes_max = body_bytes_max
        self._raw = bytearray()
        self._chunked = False
        self._length: int | None = None
        #: The code, once status line and headers are there; codes below 200 are passed over.
        self.status: int | None = None
        self.content_type = ""
        self.location = ""
        self.body = b""
        #: Whether all that is wanted has come.
        self.complete = False

    def receive(self, data: bytes) -> None:
        """
        Take ``data`` in.

        :raises BadAnswer: if it cannot be HTTP.
        """
        if self.complete:
            return
        self._raw += data
        while self.status is None and self._read_head():
            pass
        if self.status is not None:
            self._read_body()

    def ended(self) -> None:
        """
        The peer has hung up, which may be how a body ends.

        :raises BadAnswer: if that was too early.
        """
        if self.status is None:
            raise BadAnswer("hung up without an answer" if not self._raw else "half an answer")
        if self._body_bytes_max and not self.complete and (self._chunked or self._length):
            raise BadAnswer("hung up in the middle of its answer")
        self.complete = True

    def _read_head(self) -> bool:
        """Whether a head was read, and perhaps another must be."""
        end = _HEAD_END.search(self._raw)
        if end is None:
            if not b"HTTP/1.".startswith(self._raw[:7]):
                raise BadAnswer(f"no HTTP: {bytes(self._raw[:40])!r}")
            if len(self._raw) > HEAD_BYTES_MAX:
                raise BadAnswer(f"headers of more than {HEAD_BYTES_MAX} bytes")
            return False
        first, *lines = _LINE_END.split(bytes(self._raw[: end.start()]))
        del self._raw[: end.end()]
        found = _STATUS.match(first)
        if found is None:
            raise BadAnswer(f"no HTTP: {first[:40]!r}")
        status = int(found.group(1))
        if status >= 200:
            self.status = status
            for line in lines:
                self._read_header(line)
        return True

    def _read_header(self, line: bytes) -> None:
        name, _, rest = line.partition(b":")
        value = rest.strip().decode("latin-1")
        match name.strip().lower():
            case b"content-length" if value.isascii() and value.isdigit():
                self._length = int(value)
            case b"content-length":
                raise BadAnswer(f"a Content-Length of {value[:40]!r}")
            case b"transfer-encoding":
                self._chunked = value.lower().endswith("chunked")
            case b"content-type":
                self.content_type = value
            case b"location":
                self.location = value
            case _:
                pass

    def _read_body(self) -> None:
        body, last = bytes(self._raw), False
        if self.status in _BODILESS:
            body, last = b"", True
        elif self._chunked:
            body, last = dechunked(body)
        elif self._length is not None:
            body, last = body[: self._length], len(body) >= self._length
        self.body = body[: self._body_bytes_max]
        wanted = self._body_bytes_max
        enough = len(body) >= wanted if wanted else len(self._raw) >= UNWANTED_BYTES_MAX
        self.complete = last or enough


def dechunked(raw: bytes) -> tuple[bytes, bool]:
    """
    The body in ``raw`` chunks so far, and whether its last chunk is there.

    :raises BadAnswer: if these are no chunks.
    """
    body, at = bytearray(), 0
    while (end := raw.find(b"\n", at)) >= 0:
        size = raw[at:end].partition(b";")[0].strip()
        try:
            length = int(size, 16)
        except ValueError:
            raise BadAnswer(f"a chunk's size of {size[:40]!r}") from None
        if length == 0:
            return bytes(body), True
        body += raw[end + 1 : end + 1 + length]
        at = end + 1 + length
        # The end of line after a chunk.
        at += 2 if raw[at : at + 1] == b"\r" else 1
    return bytes(body), False
