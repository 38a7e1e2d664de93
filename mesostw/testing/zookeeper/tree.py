"""
The nodes of an ensemble, and what becomes of them: ZooKeeper's rules, without its links.

Every change has the next zxid, also one that was refused: so does ZooKeeper, which numbers
a request before it looks at it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mesostw.model.zkurl import Credentials
from mesostw.model.zookeeper import (
    ANY_VERSION,
    OPEN,
    Acl,
    BadVersion,
    Check,
    Create,
    Delete,
    EphemeralParent,
    Happening,
    InvalidAcl,
    NoAuth,
    NodeExists,
    NoNode,
    NotEmpty,
    Operation,
    Outcome,
    Permission,
    Refused,
    SetData,
    Stat,
    Watched,
    ZooKeeperFault,
    parent_of,
)

#: Who somebody is: pairs of a scheme and an id of it.
Identities = Sequence[tuple[str, str]]

#: Everyone, without a password.
NOBODY: Final[Identities] = (("ip", "127.0.0.1"),)


def identities(credentials: Credentials | None) -> Identities:
    """Who an ensemble takes the bearer of ``credentials`` for."""
    if credentials is None:
        return NOBODY
    both = f"{credentials.user}:{credentials.password}".encode()
    digest = base64.b64encode(hashlib.sha1(both, usedforsecurity=False).digest()).decode()
    return (*NOBODY, ("digest", f"{credentials.user}:{digest}"))


class Znode:
    """One node."""

    __slots__ = (
        "acl",
        "acl_sets",
        "children",
        "ctime_ms",
        "czxid",
        "data",
        "made",
        "mtime_ms",
        "mzxid",
        "owner",
        "pzxid",
        "version",
    )

    def __init__(self, data: bytes, acl: Sequence[Acl], owner: int, zxid: int, now_ms: int) -> None:
        self.data = data
        self.acl = tuple(acl)
        self.owner = owner
        self.czxid = self.mzxid = self.pzxid = zxid
        self.ctime_ms = self.mtime_ms = now_ms
        self.version = self.acl_sets = 0
        #: Children that were ever made: the next sequence number.
        self.made = 0
        self.children: set[str] = set()

    def stat(self) -> Stat:
        """What is known of it."""
        return Stat(
            czxid=self.czxid,
            mzxid=self.mzxid,
            pzxid=self.pzxid,
            ctime_ms=self.ctime_ms,
            mtime_ms=self.mtime_ms,
            version=self.version,
            # Those that were made and those that were removed.
            cversion=2 * self.made - len(self.children),
            aversion=self.acl_sets,
            ephemeral_owner=self.owner,
            data_bytes=len(self.data),
            children=len(self.children),
        )


class Change:
    """One transaction under way: who asks, when, and how to take it all back."""

    def __init__(self, zxid: int, session: int, who: Identities, now_ms: int) -> None:
        self.zxid = zxid
        self.session = session
        self.who = who
        self.now_ms = now_ms
        self.events: list[Watched] = []
        self._undo: list[Callable[[], object]] = []

    def undoable(self, undo: Callable[[], object]) -> None:
        """How to take back what is done next."""
        self._undo.append(undo)

    def take_back(self) -> None:
        """Undo everything, last first."""
        for undo in reversed(self._undo):
            undo()


class Tree:
    """All nodes, by path."""

    def __init__(self) -> None:
        self.nodes: dict[str, Znode] = {}
        self.zxid = 0
        self.nodes["/"] = Znode(b"", OPEN, 0, 0, 0)
        # Its own node, which nobody made.
        self.nodes["/zookeeper"] = Znode(b"", OPEN, 0, 0, 0)
        self.nodes["/"].children.add("zookeeper")

    # --- reading ------------------------------------------------------------------

    def node(self, path: str, who: Identities | None = None) -> Znode:
        """
        The node at ``path``, which ``who`` may read if somebody is named.

        :raises Refused: it is not there, or not for them.
        """
        found = self.nodes.get(path)
        if found is None:
            raise NoNode(path)
        if who is not None:
            self._allow(path, found, Permission.READ, who)
        return found

    def acl(self, path: str, who: Identities) -> tuple[Sequence[Acl], Stat]:
        """Who may do what; hashes of passwords are hidden from those who may not change it."""
        node = self.node(path)
        self._allow(path, node, Permission.READ | Permission.ADMIN, who)
        if _allows(node.acl, Permission.ADMIN, who):
            return node.acl, node.stat()
        return tuple(map(_hidden, node.acl)), node.stat()

    @staticmethod
    def _allow(path: str, node: Znode, wanted: Permission, who: Identities) -> None:
        if not _allows(node.acl, wanted, who):
            raise NoAuth(path)

    # --- changing -----------------------------------------------------------------

    def change(
        self, operations: Sequence[Operation], session: int, who: Identities, now_ms: int
    ) -> tuple[Sequence[Outcome], Sequence[Watched]]:
        """
        Do all of ``operations``; what came of each, and what watches are to be told.

        :raises Refused: one of them was; nothing has changed.
        """
        self.zxid += 1
        change = Change(self.zxid, session, who, now_ms)
        outcomes: list[Outcome] = []
        for index, one in enumerate(operations):
            try:
                outcomes.append(self._do(one, change))
            except ZooKeeperFault as fault:
                change.take_back()
                raise type(fault)(fault.path, index) from None
        return outcomes, change.events

    def _do(self, one: Operation, change: Change) -> Outcome:
        match one:
            case Create():
                return self._create(one, change)
            case SetData():
                return self._set(one, change)
            case Delete():
                self._delete(one, change)
            case Check():
                node = self.node(one.path, change.who)
                _same_version(one.path, one.version, node.version)
        return None

    def _create(self, one: Create, change: Change) -> str:
        acl = _fixed(one.path, OPEN if one.acl is None else one.acl, change.who)
        above = self.node(parent_of(one.path)) if one.path != "/" else None
        if above is None:
            raise NodeExists(one.path)
        self._allow(one.path, above, Permission.CREATE, change.who)
        path = f"{one.path}{above.made:010d}" if one.sequence else one.path
        if path in self.nodes:
            raise NodeExists(one.path)
        if above.owner:
            raise EphemeralParent(one.path)
        owner = change.session if one.ephemeral else 0
        node = Znode(one.data, acl, owner, change.zxid, change.now_ms)
        name, pzxid = path.rpartition("/")[2], above.pzxid

        def undo() -> None:
            del self.nodes[path]
            above.children.remove(name)
            above.made -= 1
            above.pzxid = pzxid

        change.undoable(undo)
        self.nodes[path] = node
        above.children.add(name)
        above.made += 1
        above.pzxid = change.zxid
        change.events += [
            Watched(Happening.CREATED, path),
            Watched(Happening.CHILDREN, parent_of(path)),
        ]
        return path

    def _set(self, one: SetData, change: Change) -> Stat:
        node = self.node(one.path)
        self._allow(one.path, node, Permission.WRITE, change.who)
        _same_version(one.path, one.version, node.version)
        before = node.data, node.mzxid, node.mtime_ms, node.version

        def undo() -> None:
            node.data, node.mzxid, node.mtime_ms, node.version = before

        change.undoable(undo)
        node.data, node.mzxid, node.mtime_ms = one.data, change.zxid, change.now_ms
        node.version += 1
        change.events.append(Watched(Happening.CHANGED, one.path))
        return node.stat()

    def _delete(self, one: Delete, change: Change) -> None:
        if one.path == "/":
            raise Refused(one.path)
        above = self.node(parent_of(one.path))
        self._allow(one.path, above, Permission.DELETE, change.who)
        node = self.node(one.path)
        _same_version(one.path, one.version, node.version)
        if node.children:
            raise NotEmpty(one.path)
        self._remove(one.path, node, above, change)

    def _remove(self, path: str, node: Znode, above: Znode, change: Change) -> None:
        name, pzxid = path.rpartition("/")[2], above.pzxid

        def undo() -> None:
            self.nodes[path] = node
            above.children.add(name)
            above.pzxid = pzxid

        change.undoable(undo)
        del self.nodes[path]
        above.children.remove(name)
        above.pzxid = change.zxid
        change.events += [
            Watched(Happening.DELETED, path),
            Watched(Happening.CHILDREN, parent_of(path)),
        ]

    def set_acl(
        self, path: str, acl: Sequence[Acl], version: int, who: Identities
    ) -> tuple[Stat, Sequence[Watched]]:
        """Say who may do what; nobody watches for that."""
        self.zxid += 1
        fixed = _fixed(path, acl, who)
        node = self.node(path)
        self._allow(path, node, Permission.ADMIN, who)
        _same_version(path, version, node.acl_sets)
        node.acl = fixed
        node.acl_sets += 1
        return node.stat(), ()

    def end_session(self, session: int, now_ms: int) -> Sequence[Watched]:
        """Remove what ends with ``session``, as one change."""
        self.zxid += 1
        change = Change(self.zxid, session, NOBODY, now_ms)
        for path in [path for path, node in self.nodes.items() if node.owner == session]:
            self._remove(path, self.nodes[path], self.nodes[parent_of(path)], change)
        return change.events

    def snapshot(self) -> Mapping[str, bytes]:
        """Every node's value, for checkers."""
        return {path: node.data for path, node in self.nodes.items()}


def _same_version(path: str, wanted: int, version: int) -> None:
    if wanted not in {ANY_VERSION, version}:
        raise BadVersion(path)


def _allows(acl: Sequence[Acl], wanted: Permission, who: Identities) -> bool:
    return any(
        one.permissions & wanted
        and ((one.scheme, one.id) == ("world", "anyone") or (one.scheme, one.id) in who)
        for one in acl
    )


def _hidden(one: Acl) -> Acl:
    if one.scheme != "digest":
        return one
    return Acl(one.permissions, one.scheme, f"{one.id.partition(':')[0]}:x")


def _fixed(path: str, acl: Sequence[Acl], who: Identities) -> tuple[Acl, ...]:
    """
    ``acl`` with whoever asks in place of the scheme ``auth``.

    :raises InvalidAcl: it allows nobody, or somebody who cannot be.
    """
    fixed: list[Acl] = []
    for one in acl:
        if one.scheme == "auth":
            named = [Acl(one.permissions, *pair) for pair in who if pair[0] == "digest"]
            if not named:
                raise InvalidAcl(path)
            fixed += named
        elif _is_valid(one):
            fixed.append(one)
        else:
            raise InvalidAcl(path)
    if not fixed:
        raise InvalidAcl(path)
    # The same one twice is one.
    return tuple(dict.fromkeys(fixed))


def _is_valid(one: Acl) -> bool:
    match one.scheme:
        case "world":
            return one.id == "anyone"
        case "digest":
            return one.id.count(":") == 1
        case "ip":
            return bool(one.id)
        case _:
            return False
