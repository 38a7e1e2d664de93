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
#: The line that tells the size of a chunk, with whatever else stands in it.
CHUNK_LINE_BYTES_MAX: Final = 4 * 1024
#: Codes of answers without a body, whatever their headers say.
_BODILESS: Final = (204, 304)
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: |$)")
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_LINE_END: Final = re.compile(rb"\r?\n")
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")


class BadAnswer(Exception):
    """What came is no HTTP answer; the text says why."""


class Answer:
    """
    One answer; feed it with :meth:`receive` and tell it of the connection's end.

    :param body_bytes_max: how much of the body is wanted.
    """

    def __init__(self, body_bytes_max: int = 0) -> None:
        self._body_bytes_max = body_bytes_max
        #: What has come and is not understood yet.
        self._raw = bytearray()
        self._came = bytearray()
        self._chunked = False
        #: What is still to come of a chunk; ``None`` before a line that tells a size.
        self._chunk_left: int | None = None
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
        came, last = self._came, False
        if self.status in _BODILESS:
            last = True
        elif self._chunked:
            last = self._read_chunks()
        else:
            came += self._raw
            self._raw.clear()
            if self._length is not None:
                last = len(came) >= self._length
                del came[self._length :]
        self.body = bytes(came[: self._body_bytes_max])
        self.complete = last or len(came) >= (self._body_bytes_max or UNWANTED_BYTES_MAX)

    def _read_chunks(self) -> bool:
        """
        Take the chunks that have come; whether the last one has.

        :raises BadAnswer: if these are no chunks.
        """
        raw = self._raw
        while True:
            if self._chunk_left:
                part = raw[: self._chunk_left]
                self._came += part
                self._chunk_left -= len(part)
                del raw[: len(part)]
            end = raw.find(b"\n")
            if self._chunk_left or end < 0:
                break
            line = bytes(raw[:end]).strip()
            del raw[: end + 1]
            if self._chunk_left == 0 and not line:
                # The end of line after a chunk.
                self._chunk_left = None
                continue
            self._chunk_left = _chunk_size(line)
            if self._chunk_left == 0:
                return True
        if len(raw) > CHUNK_LINE_BYTES_MAX:
            raise BadAnswer(f"a chunk's size of {bytes(raw[:40])!r}")
        return False


def _chunk_size(line: bytes) -> int:
    size = line.partition(b";")[0].strip()
    if _CHUNK_SIZE.fullmatch(size) is None or len(line) > CHUNK_LINE_BYTES_MAX:
        raise BadAnswer(f"a chunk's size of {line[:40]!r}")
    return int(size, 16)
