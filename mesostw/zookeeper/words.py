"""What kazoo says in our words, and what we say in its."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kazoo import exceptions as kazoo
from kazoo.client import KazooClient, TransactionRequest
from kazoo.protocol.states import ZnodeStat
from kazoo.security import ACL, Id

from mesostw.model.zookeeper import (
    Acl,
    AuthFailed,
    BadVersion,
    ConnectionLost,
    Create,
    Delete,
    EphemeralParent,
    InvalidAcl,
    NoAuth,
    NodeExists,
    NoNode,
    NotEmpty,
    Operation,
    Outcome,
    Permission,
    Refused,
    SessionExpired,
    SetData,
    Stat,
    ZooKeeperFault,
)

_MEANINGS: Final[Mapping[type[Exception], type[ZooKeeperFault]]] = {
    kazoo.NoNodeError: NoNode,
    kazoo.NodeExistsError: NodeExists,
    kazoo.BadVersionError: BadVersion,
    kazoo.NotEmptyError: NotEmpty,
    kazoo.NoChildrenForEphemeralsError: EphemeralParent,
    kazoo.NoAuthError: NoAuth,
    kazoo.InvalidACLError: InvalidAcl,
    kazoo.AuthFailedError: AuthFailed,
    kazoo.SessionExpiredError: SessionExpired,
    kazoo.ConnectionClosedError: SessionExpired,
    # Another server has taken the session over: the operation was ignored there.
    kazoo.SessionMovedError: ConnectionLost,
    kazoo.ConnectionLoss: ConnectionLost,
    kazoo.OperationTimeoutError: ConnectionLost,
    kazoo.RequestTimeoutError: ConnectionLost,
}


def translated(fault: Exception, path: str, index: int | None = None) -> Exception:
    """
    What ``fault`` means for who asked about ``path``.

    What the server has no special name for was refused; what is no answer at all may have
    been done.  A mistake of the program's, such as text in place of bytes, is told as it is.
    """
    if isinstance(fault, ZooKeeperFault):
        return type(fault)(path, index)
    if not isinstance(fault, kazoo.KazooException):
        return fault
    meaning = _MEANINGS.get(type(fault))
    if meaning is None:
        meaning = Refused if isinstance(fault, kazoo.ZookeeperError) else ConnectionLost
    told = meaning(path, index)
    told.__cause__ = fault
    return told


def kazoo_acl(acl: Sequence[Acl]) -> list[ACL]:
    """Permissions as kazoo sends them."""
    return [ACL(int(one.permissions), Id(one.scheme, one.id)) for one in acl]


def transaction(
    client: KazooClient, operations: Sequence[Operation], acl: Sequence[Acl]
) -> TransactionRequest:
    """Make kazoo's transaction of ``operations``; ``acl`` is for nodes that name none."""
    request = client.transaction()
    for one in operations:
        match one:
            case Create():
                given = kazoo_acl(acl if one.acl is None else one.acl)
                request.create(one.path, one.data, given, one.ephemeral, one.sequence)
            case SetData():
                request.set_data(one.path, one.data, one.version)
            case Delete():
                request.delete(one.path, one.version)
            case _:
                request.check(one.path, one.version)
    return request


def stat(found: ZnodeStat) -> Stat:
    """A node's stat."""
    return Stat(
        czxid=found.czxid,
        mzxid=found.mzxid,
        pzxid=found.pzxid,
        ctime_ms=found.ctime,
        mtime_ms=found.mtime,
        version=found.version,
        cversion=found.cversion,
        aversion=found.aversion,
        ephemeral_owner=found.ephemeralOwner,
        data_bytes=found.dataLength,
        children=found.numChildren,
    )


def maybe_stat(found: ZnodeStat | None) -> Stat | None:
    """What ``exists`` found."""
    return None if found is None else stat(found)


def value(found: tuple[bytes | None, ZnodeStat]) -> tuple[bytes, Stat]:
    """What ``get`` found; a node that other programs made without a value has none."""
    return found[0] or b"", stat(found[1])


def children(found: tuple[Sequence[str], ZnodeStat]) -> tuple[Sequence[str], Stat]:
    """What ``get_children`` found."""
    return tuple(found[0]), stat(found[1])


def acls(found: tuple[Sequence[ACL], ZnodeStat]) -> tuple[Sequence[Acl], Stat]:
    """What ``get_acls`` found."""
    given = tuple(Acl(Permission(one.perms), one.id.scheme, one.id.id or "") for one in found[0])
    return given, stat(found[1])


def nothing(_: object) -> None:
    """What operations say that only succeed."""


def outcomes(operations: Sequence[Operation], results: Sequence[Any]) -> Sequence[Outcome]:
    """
    What became of each operation of a transaction.

    :raises ZooKeeperFault: of the first that was at fault.  Those before it are said to be
        rolled back, and those after it to be inconsistent.
    """
    for index, result in enumerate(results):
        if isinstance(result, Exception) and not isinstance(result, kazoo.RolledBackError):
            raise translated(result, operations[index].path, index)
    return tuple(
        result if isinstance(one, Create) else stat(result) if isinstance(one, SetData) else None
        for one, result in zip(operations, results, strict=True)
    )
