"""
Whom the names of users stand for, as far as children have found it out.

A child looks its user up by itself, since a user database may be slow and the supervisor
must not wait for it.  But that is a fifth of what a child does: so
it tells what it has found, and the children after it are born with that.  Imports little:
the supervisor uses it.
"""

from __future__ import annotations

import json
import time
from typing import Final, NamedTuple

#: Seconds that something found counts; groups that are given or taken show after that.
COUNTS_S: Final = 30.0
#: What a child's line of it begins with; what it tells of a fault begins with ``[``.
MARK: Final = b"="


class Identity(NamedTuple):
    """Whom a program runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...]

    def line(self) -> bytes:
        """As a child tells it."""
        return MARK + json.dumps(self).encode() + b"\n"


class Users:
    """What was found lately; only users that exist are in it."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, Identity]] = {}

    def known(self, user: str) -> Identity | None:
        """Whom ``user`` stands for, if that was found lately."""
        at, identity = self._found.get(user, (-COUNTS_S, None))
        return identity if time.monotonic() - at < COUNTS_S else None

    def learnt(self, user: str, said: bytes) -> bytes:
        """Take the line that a child may have begun with; what it has said besides."""
        if not said.startswith(MARK):
            return said
        line, _, rest = said.partition(b"\n")
        uid, gid, groups = json.loads(line[1:])
        self._found[user] = time.monotonic(), Identity(uid, gid, tuple(groups))
        return rest
