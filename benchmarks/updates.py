"""
Status updates received, decoded, dispatched through a no-op core, encoded, sent.

Sixteen senders keep two blocks of 256 updates each under way to one receiver, through the
real doorway, exchange and driver.  The yardstick is ``Int32StringReceiver`` relaying the
same bytes without looking at them.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.stream import Pace, Stream, pin_to_last_processor
from mesostw.messages.agent_master import StatusUpdated
from mesostw.messages.containers import ContainerStatus
from mesostw.messages.ids import AgentID, ExecutorID, FrameworkID, TaskID
from mesostw.messages.scheduler_events import Update
from mesostw.messages.tasks import TaskState, TaskStatus, TaskStatusSource
from mesostw.wire.codec import encode
from mesostw.wire.framing import Frames

SOURCES: Final = 16
BLOCK_FRAMES: Final = 256
ROUNDS: Final = 20
#: Microseconds of processor time an update at most.
CPU_US_MOST: Final = 8.0
#: Of the rate of ``Int32StringReceiver`` at least.
INT32_LEAST: Final = 0.2


def status(number: int) -> TaskStatus:
    """A report as an agent sends it."""
    return TaskStatus(
        task_id=TaskID(value=f"crunch.{number:08}.instance-4f6c"),
        state=TaskState.TASK_RUNNING,
        source=TaskStatusSource.SOURCE_EXECUTOR,
        agent_id=AgentID(value="6c5e4f1d-0c1b-4a53-8d4b-5a7a5ecf7d1c-S12"),
        executor_id=ExecutorID(value=f"crunch.{number:08}"),
        timestamp=1_700_000_000.25 + number,
        uuid=number.to_bytes(16, "big"),
        healthy=True,
        container_status=ContainerStatus(executor_pid=4711),
    )


def update(number: int) -> bytes:
    """The frame of one report."""
    framework = FrameworkID(value="6c5e4f1d-0c1b-4a53-8d4b-5a7a5ecf7d1c-0007")
    return encode(
        StatusUpdated(
            framework_id=framework, status=status(number), latest_state=TaskState.TASK_RUNNING
        )
    )


def measure(kind: str, rounds: int) -> Pace:
    """One run of one relay, after a round that is looked at."""
    numbers = [range(n * BLOCK_FRAMES, (n + 1) * BLOCK_FRAMES) for n in range(SOURCES)]
    blocks = [b"".join(map(update, part)) for part in numbers]
    said = [encode(Update(status=status(number))) for part in numbers for number in part]
    out_bytes = sum(map(len, said if kind == "updates" else blocks))
    stream = Stream(kind, says_hello=kind == "updates")
    try:
        stream.connect_sources(SOURCES)
        out = stream.one_by_one(blocks, out_bytes)
        if kind == "updates" and len(Frames().take(out)) != len(said):
            message = "not every update came out"
            raise RuntimeError(message)
        return stream.run(blocks, SOURCES * BLOCK_FRAMES, out_bytes, rounds)
    finally:
        stream.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Print rates and ratios; 1 if a demand was missed."""
    quick = "--quick" in (sys.argv[1:] if argv is None else argv)
    pin_to_last_processor()
    paces: dict[str, list[Pace]] = {"updates": [], "int32": []}
    for _ in range(1 if quick else 3):
        for kind, found in paces.items():
            found.append(measure(kind, ROUNDS // 4 if quick else ROUNDS))
    print(f"updates of {len(update(1))} bytes: thousand a second; us of processor each")
    cpu = {}
    for kind, found in paces.items():
        cpu[kind] = statistics.median(pace.cpu_us for pace in found)
        rate = statistics.median(pace.rate for pace in found)
        print(f"  {kind:10} {rate / 1e3:8.0f} {cpu[kind]:8.3f}", flush=True)
    ratio = cpu["int32"] / cpu["updates"]
    print(f"  an update  {cpu['updates']:5.2f} us  (at most {CPU_US_MOST})")
    print(f"  updates / Int32 undecoded  {ratio:5.2f}  (at least {INT32_LEAST})")
    return int(cpu["updates"] > CPU_US_MOST or ratio < INT32_LEAST)


if __name__ == "__main__":
    sys.exit(main())
