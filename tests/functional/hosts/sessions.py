"""
ZooKeeper's sessions, from outside: whose is whose, and how one is ended behind its owner's back.

A session is whoever's who knows its id and its password, and a server makes the password out of
the id alone: ``java.util.Random`` seeded with the id, and a constant that is in its source.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Sequence
from typing import Final

from kazoo.client import KazooClient

SECRET: Final = 0xB3415C00
PASSWORD_BYTES: Final = 16
PATIENCE_S: Final = 3.0
_MASK: Final = (1 << 48) - 1
_SESSION: Final = re.compile(r"^0x([0-9a-f]+):$")
#: Below these, whoever leads has the lowest number.
ELECTIONS: Final = {
    "master": re.compile(r"^/mesos/json\.info_(\d+)$"),
    "marathon": re.compile(r"^/marathon/leader/.*?(\d+)$"),
    "chronos": re.compile(r"^/chronos/state/.*?(\d+)$"),
}


def password_of(session: int) -> bytes:
    """What ``java.util.Random(session ^ SECRET).nextBytes`` gives."""
    state = ((session ^ SECRET) ^ 0x5DEECE66D) & _MASK
    found = bytearray()
    while len(found) < PASSWORD_BYTES:
        state = (state * 0x5DEECE66D + 0xB) & _MASK
        found += (state >> 16).to_bytes(4, "little")
    return bytes(found)


def said(address: str, word: str, patience_s: float = PATIENCE_S) -> str:
    """What a server says to a four-letter word; nothing if it does not."""
    host, _, port = address.rpartition(":")
    answer = b""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((host, int(port)), patience_s) as link,
    ):
        link.sendall(word.encode())
        while more := link.recv(65_536):
            answer += more
    return answer.decode(errors="replace")


def leading(addresses: Sequence[str]) -> str | None:
    """Which server leads the others."""
    return next((one for one in addresses if "Mode: leader" in said(one, "srvr")), None)


def session_leading(dump: str, role: str) -> int | None:
    """Whose ephemeral node has the lowest number in a role's election, by ``dump``."""
    found: list[tuple[int, int]] = []
    session = 0
    for line in dump.splitlines():
        opened = _SESSION.match(line)
        node = ELECTIONS[role].match(line.strip())
        if opened is not None:
            session = int(opened[1], 16)
        elif node is not None:
            found.append((int(node[1]), session))
    return min(found)[1] if found else None


def end_session(addresses: Sequence[str], session: int) -> None:
    """Come back as its owner, and close it."""
    client = KazooClient(
        hosts=",".join(addresses), client_id=(session, password_of(session)), timeout=4.0
    )
    client.start(timeout=PATIENCE_S)
    client.stop()
    client.close()
