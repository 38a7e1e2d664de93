"""
A slow line: carries connections to one address, each piece of them later than it came.

    python -m tests.functional.hosts.delaying PORT HOST:PORT,HOST:PORT SECONDS SPREAD SEED

What ``netem`` does, where the kernel has none.  Each new connection goes to another of the
addresses; the order of what is carried stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
from random import Random
from typing import Final

PIECE: Final = 65_536


async def _carry(
    chance: Random,
    delay: tuple[float, float],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Pieces in their order, each a while after it came."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def late() -> None:
        while True:
            due, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                return
            writer.write(piece)
            await writer.drain()

    sending = asyncio.create_task(late())
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            wait_s = max(0.0, chance.uniform(delay[0] - delay[1], delay[0] + delay[1]))
            pieces.put_nowait((loop.time() + wait_s, piece))
    pieces.put_nowait((loop.time(), b""))
    with contextlib.suppress(OSError):
        await sending
    writer.close()


async def _serve(port: int, targets: list[str], delay: tuple[float, float], seed: str) -> None:
    chance, turns = Random(f"{seed} delay"), itertools.cycle(targets)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, number = next(turns).rpartition(":")
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(number))
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            _carry(chance, delay, reader, far_writer),
            _carry(chance, delay, far_reader, writer),
        )

    server = await asyncio.start_server(take, "0.0.0.0", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    _, port_, targets_, seconds_, spread_, seed_ = sys.argv
    asyncio.run(_serve(int(port_), targets_.split(","), (float(seconds_), float(spread_)), seed_))
