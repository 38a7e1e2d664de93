"""What can be asked of a session, in kazoo's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from kazoo.client import KazooClient
from twisted.internet.defer import Deferred

from mesostw.model.zookeeper import (
    ANY_VERSION,
    Acl,
    Create,
    Operation,
    Outcome,
    SetData,
    Stat,
    Watched,
    check_path,
    request_bytes,
)
from mesostw.zookeeper import words
from mesostw.zookeeper.crossing import Answer
from mesostw.zookeeper.watches import DATA, LIST, Watches

T = TypeVar("T")
Watch = Callable[[Watched], None]


class Operations:
    """
    One method an operation.

    Each gives :meth:`_ask` something that is called in kazoo's thread; what it raises
    there is told in its turn.
    """

    _client: KazooClient
    _acl: tuple[Acl, ...]
    _watches: Watches

    def _ask(
        self,
        path: str,
        start: Callable[[], Answer],
        made: Callable[[Any], T],
        watch: tuple[str, Watch] | None = None,
        size: int = 0,
    ) -> Deferred[T]:
        """
        Have kazoo do something.

        :param made: makes the result of what kazoo answers.
        :param watch: what kind of change is watched for, and who is told.
        :param size: how many bytes it sends, where that may be many.
        """
        raise NotImplementedError

    def create(
        self,
        path: str,
        data: bytes = b"",
        *,
        ephemeral: bool = False,
        sequence: bool = False,
        acl: Sequence[Acl] | None = None,
    ) -> Deferred[str]:
        given = words.kazoo_acl(self._acl if acl is None else acl)
        start = partial(self._client.create_async, path, data, given, ephemeral, sequence)
        return self._ask(path, start, str, size=request_bytes([Create(path, data)]))

    def get(self, path: str, watch: Watch | None = None) -> Deferred[tuple[bytes, Stat]]:
        return self._read(self._client.get_async, DATA, path, watch, words.value)

    def exists(self, path: str, watch: Watch | None = None) -> Deferred[Stat | None]:
        return self._read(self._client.exists_async, DATA, path, watch, words.maybe_stat)

    def children(
        self, path: str, watch: Watch | None = None
    ) -> Deferred[tuple[Sequence[str], Stat]]:
        listing = partial(self._client.get_children_async, include_data=True)
        return self._read(listing, LIST, path, watch, words.children)

    def _read(
        self,
        read: Callable[..., Answer],
        kind: str,
        path: str,
        watch: Watch | None,
        made: Callable[[Any], T],
    ) -> Deferred[T]:
        if watch is None:
            return self._ask(path, partial(read, path), made)
        start = partial(read, path, watch=self._watches.watcher(kind, path))
        return self._ask(path, start, made, (kind, watch))

    def set(self, path: str, data: bytes, version: int = ANY_VERSION) -> Deferred[Stat]:
        start = partial(self._client.set_async, path, data, version)
        return self._ask(path, start, words.stat, size=request_bytes([SetData(path, data)]))

    def delete(self, path: str, version: int = ANY_VERSION) -> Deferred[None]:
        return self._ask(path, partial(self._client.delete_async, path, version), words.nothing)

    def get_acl(self, path: str) -> Deferred[tuple[Sequence[Acl], Stat]]:
        return self._ask(path, partial(self._client.get_acls_async, path), words.acls)

    def set_acl(self, path: str, acl: Sequence[Acl], version: int = ANY_VERSION) -> Deferred[Stat]:
        given = words.kazoo_acl(acl)
        start = partial(self._client.set_acls_async, path, given, version)
        return self._ask(path, start, words.stat)

    def multi(self, operations: Sequence[Operation]) -> Deferred[Sequence[Outcome]]:
        given = tuple(operations)
        for one in given:
            check_path(one.path)
        if not given:
            raise ValueError("a transaction needs at least one operation")

        def start() -> Answer:
            request = words.transaction(self._client, given, self._acl)
            answer: Answer = request.commit_async()
            return answer

        return self._ask("", start, partial(words.outcomes, given), size=request_bytes(given))

    def sync(self, path: str = "/") -> Deferred[None]:
        return self._ask(path, partial(self._client.sync_async, path), words.nothing)
