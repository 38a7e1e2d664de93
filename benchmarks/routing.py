"""
Framework messages forwarded by their header, against a bare relay and Int32StringReceiver.

Sixteen senders keep two blocks of 256 frames each under way to sixteen receivers in turn.
The yardsticks relay the same bytes: ``bare`` is a batched Twisted relay that does nothing
else (no hello, no ownership, no limits), ``int32`` is ``Int32StringReceiver``.  Compared is
the processor time a frame, which a busy machine does not change.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.relays import OTHER, SINKS
from benchmarks.stream import Pace, Stream, pin_to_last_processor
from mesostw.messages.executor_events import Message
from mesostw.wire.codec import encode
from mesostw.wire.framing import Frames

SOURCES: Final = 16
BLOCK_FRAMES: Final = 256
KINDS: Final = ("ours", "rewritten", "bare", "int32")
#: Bytes of a message's payload, and the rounds that measure it.
SIZES: Final = ((64, 120), (1024, 60))
#: Of the bare relay's rate at least, and of Int32StringReceiver's.
BARE_LEAST: Final = 0.5
INT32_LEAST: Final = 2.0


def blocks_of(payload: int) -> list[bytes]:
    """What each sender says in one round."""
    blocks = []
    for source in range(SOURCES):
        frames = [
            encode(Message(data=bytes([source]) * payload), (source + n) % SINKS + 1)
            for n in range(BLOCK_FRAMES)
        ]
        blocks.append(b"".join(frames))
    return blocks


def measure(kind: str, payload: int, rounds: int) -> Pace:
    """One run of one relay, after a round that is looked at."""
    stream = Stream(kind, says_hello=kind in ("ours", "rewritten"))
    try:
        stream.connect_sources(SOURCES)
        blocks = blocks_of(payload)
        size = sum(map(len, blocks))
        stream.one_by_one(blocks, size)
        check(stream, blocks, size, OTHER if kind == "rewritten" else 0)
        return stream.run(blocks, SOURCES * BLOCK_FRAMES, size, rounds)
    finally:
        stream.close()


def check(stream: Stream, blocks: Sequence[bytes], size: int, other: int) -> None:
    """What one sender said to one receiver came to it, whole and under the right number."""
    one = encode(Message(data=b"to the third"), 3)
    stream.sources[0].sendall(one)
    stream.sinks[2].settimeout(20)
    got = stream.sinks[2].recv(len(one), 0x100)
    (frame,) = Frames().take(got)
    if frame[2] != 3 + other or frame[3] != Frames().take(one)[0][3]:
        message = f"frame {frame} came of {one!r}"
        raise RuntimeError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Print rates and ratios; 1 if a demand was missed."""
    quick = "--quick" in (sys.argv[1:] if argv is None else argv)
    runs, missed = (1 if quick else 3), False
    pin_to_last_processor()
    for payload, rounds in SIZES:
        cpu: dict[str, float] = {}
        print(f"payload of {payload} bytes: thousand frames a second; us of processor a frame")
        paces: dict[str, list[Pace]] = {kind: [] for kind in KINDS}
        for _ in range(runs):
            for kind in KINDS:
                paces[kind].append(measure(kind, payload, rounds // 4 if quick else rounds))
        for kind in KINDS:
            cpu[kind] = statistics.median(pace.cpu_us for pace in paces[kind])
            rate = statistics.median(pace.rate for pace in paces[kind])
            print(f"  {kind:10} {rate / 1e3:8.0f} {cpu[kind]:8.3f}", flush=True)
        bare, int32 = cpu["bare"] / cpu["ours"], cpu["int32"] / cpu["ours"]
        missed = missed or bare < BARE_LEAST or int32 < INT32_LEAST
        print(f"  ours / bare relay   {bare:5.2f}  (at least {BARE_LEAST})")
        print(f"  ours / Int32        {int32:5.2f}  (at least {INT32_LEAST})", flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
