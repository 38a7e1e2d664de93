"""
What ZooKeeper is spoken of in: nodes' stats, permissions, operations, and what goes wrong.

Paths are absolute.  A *zxid* numbers the changes of a whole ensemble: of two changes the
later has the greater.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntFlag, StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

#: Of a write or a remove: whatever version the node has.
ANY_VERSION: Final = -1
#: Names and values of one request at most: ZooKeeper closes the connection of who sends
#: more than 1,048,575 bytes, so what would come near is refused before it is sent.
REQUEST_BYTES_MAX: Final = 1_000_000
#: What an operation takes beside its names and values, rounded up.
_OPERATION_BYTES: Final = 128

#: What no name of a node may hold: control characters, what ZooKeeper cannot show, and
#: what has two units in UTF-16, of which ZooKeeper sees the halves.
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\uf8ff\ufff0-\uffff\U00010000-\U0010ffff]")


class Permission(IntFlag):
    """What an :class:`Acl` may allow."""

    READ = 1
    WRITE = 2
    #: Making children.
    CREATE = 4
    #: Removing children.
    DELETE = 8
    #: Changing the list itself.
    ADMIN = 16
    ALL = 31


class Acl(Struct, frozen=True):
    """Who (``id``, as ``scheme`` understands it) may do what with a node, not with its children."""

    permissions: Permission
    scheme: str
    id: str


OPEN: Final = (Acl(Permission.ALL, "world", "anyone"),)
#: As Mesos sets it when it has credentials: everyone reads, whoever made it may do all.
READ_BY_ALL: Final = (
    Acl(Permission.READ, "world", "anyone"),
    Acl(Permission.ALL, "auth", ""),
)


class Stat(Struct, frozen=True):
    """What is known of a node beside its value."""

    #: The zxid that made it, that last set it, and that last changed its list of children.
    czxid: int
    mzxid: int
    pzxid: int
    #: When it was made and last set, in milliseconds since 1970 by the server's clock.
    ctime_ms: int
    mtime_ms: int
    #: How often it was set, its list of children changed, and its list of permissions set.
    version: int
    cversion: int
    aversion: int
    #: The session that it ends with; 0 if it does not.
    ephemeral_owner: int
    data_bytes: int
    children: int


class Happening(StrEnum):
    """Why a watch was told."""

    CREATED = "created"
    DELETED = "deleted"
    #: The node was set.
    CHANGED = "changed"
    #: A child was made or removed.
    CHILDREN = "children"
    #: The link is gone: what happened since is unknown, and nobody watches any more.
    LOST = "lost"


class Watched(Struct, frozen=True):
    """What a watch is told, once."""

    kind: Happening
    path: str


class SessionState(StrEnum):
    """What a session's listener is told."""

    CONNECTED = "connected"
    #: No link: the session may live on, and nothing can be asked.
    SUSPENDED = "suspended"
    #: The session has ended, and its ephemeral nodes are gone or soon will be.
    EXPIRED = "expired"


# --- operations ---------------------------------------------------------------


class Create(Struct, frozen=True):
    """Make a node; the arguments are those of :meth:`~mesostw.interfaces.IZooSession.create`."""

    path: str
    data: bytes = b""
    ephemeral: bool = False
    sequence: bool = False
    acl: tuple[Acl, ...] | None = None


class SetData(Struct, frozen=True):
    """Give a node a new value."""

    path: str
    data: bytes
    version: int = ANY_VERSION


class Delete(Struct, frozen=True):
    """Remove a node that has no children."""

    path: str
    version: int = ANY_VERSION


class Check(Struct, frozen=True):
    """Refuse the whole if the node is not there in this version."""

    path: str
    version: int = ANY_VERSION


Operation: TypeAlias = Create | SetData | Delete | Check
#: Of one operation in a transaction: the path made, the new stat, or nothing.
Outcome: TypeAlias = str | Stat | None


# --- what goes wrong ------------------------------------------------------------


class ZooKeeperFault(Exception):
    """
    Something was asked that was not done, or may not have been.

    :ivar path: the node that was asked about; empty if it was none.
    :ivar index: which operation of a transaction was at fault, from 0; else ``None``.
    """

    meaning = "failed"

    def __init__(self, path: str = "", index: int | None = None) -> None:
        super().__init__(path, index)
        self.path = path
        self.index = index

    def __str__(self) -> str:
        where = "" if self.index is None else f"operation {self.index}: "
        return f"{where}{self.path}: {self.meaning}" if self.path else where + self.meaning


class Refused(ZooKeeperFault):
    """The answer is no, and nothing has changed."""

    meaning = "ZooKeeper refused this"


class NoNode(Refused):
    """The node, or the parent of one to be made, is not there."""

    meaning = "there is no such node"


class NodeExists(Refused):
    """The node to be made is there."""

    meaning = "the node is there already"


class BadVersion(Refused):
    """Somebody has changed the node since."""

    meaning = "the node has another version"


class NotEmpty(Refused):
    """A node with children cannot be removed."""

    meaning = "the node has children"


class EphemeralParent(Refused):
    """An ephemeral node has no children."""

    meaning = "the parent is ephemeral and can have no children"


class NoAuth(Refused):
    """The node's permissions do not allow this to whoever asked."""

    meaning = "the node's permissions do not allow this"


class InvalidAcl(Refused):
    """The permissions to be set make no sense, or need credentials that were not given."""

    meaning = "these permissions are not valid for this session"


class TooLarge(Refused):
    """More than :data:`REQUEST_BYTES_MAX` was to be sent; it was not."""

    meaning = f"more than {REQUEST_BYTES_MAX} bytes in one request"


class NotConnected(ZooKeeperFault):
    """There is no link: this was never sent."""

    meaning = "not sent, since there is no connection to ZooKeeper"


class SessionExpired(ZooKeeperFault):
    """There is no session any more: this was not done and never will be."""

    meaning = "not done, since the session has ended"


class ConnectionLost(ZooKeeperFault):
    """The link broke before the answer: this may have been done, or not."""

    meaning = "the connection to ZooKeeper broke before it answered; it may have been done"


class AuthFailed(ZooKeeperFault):
    """ZooKeeper does not take these credentials: there is no session."""

    meaning = "ZooKeeper does not take these credentials"


# --- paths ----------------------------------------------------------------------


def check_path(path: str) -> str:
    """
    Give ``path`` back if it may name a node.

    :raises ValueError: it may not; the message says why.
    """
    if path == "/":
        return path
    if not path.startswith("/"):
        raise ValueError(f"path {path!r} must begin with a slash")
    for name in path[1:].split("/"):
        if name in {"", ".", ".."}:
            raise ValueError(f"path {path!r} has the part {name!r}; give each level a name")
    unsafe = _UNSAFE.search(path)
    if unsafe is not None:
        raise ValueError(f"path {path!r} contains {unsafe[0]!r}; leave it out")
    return path


def parent_of(path: str) -> str:
    """Name the node above; the root's own is the root."""
    return path.rpartition("/")[0] or "/"


def under(root: str, path: str) -> str:
    """Name ``path`` seen from ``root`` as it is seen from the top."""
    if root == "/":
        return path
    return root if path == "/" else root + path


def request_bytes(operations: Sequence[Operation]) -> int:
    """How many bytes these take in one request, rounded up."""
    return sum(
        len(one.path.encode())
        + (len(one.data) if isinstance(one, Create | SetData) else 0)
        + _OPERATION_BYTES
        for one in operations
    )


def is_too_large(operations: Sequence[Operation]) -> bool:
    """Whether ZooKeeper might not take these in one request."""
    return request_bytes(operations) > REQUEST_BYTES_MAX
