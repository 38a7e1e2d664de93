"""
Keyed tables with integer row handles, and what changed in them since a number.

A table is folded lazily: a change only marks the keys that it touches, and
:meth:`Table.fold` computes each touched row once, from the state as it is then.
So a row that changes a hundred times between two folds costs one row.

Note [One ring]: a table remembers which columns of which row changed at which
number, never the values.  A resuming browser, a slow one and a hidden one are the
same case: each says up to where it knows the table, and is sent the present value
of all that changed since.  What is kept for a slow client is one integer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import compress
from typing import Final, TypeAlias

Row: TypeAlias = tuple[object, ...]
#: One operation on a row: ``[handle, {patch}]``, ``[handle, [1, {row}]]`` or ``[handle, 0]``.
Op: TypeAlias = tuple[int, object]

#: Changes that a table can tell again to who resumes; also the limit of its memory.
RING_CHANGES_MAX: Final = 65_536
#: A change older than this many seconds is forgotten; browsers reconnect much sooner.
RING_AGE_S: Final = 120.0
#: A mask with every bit set: the whole row.
WHOLE: Final = -1


class Table:
    """
    One topic: rows by key, each with a handle that is never used twice.

    ``source`` gives the present row of a key, or ``None`` if there is none.
    ``watch`` is told of each row that is replaced, with ``None`` for no row.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[str],
        source: Callable[[Hashable], Row | None],
        *,
        enums: Mapping[str, Sequence[str]] | None = None,
        watch: Callable[[Row | None, Row | None], None] | None = None,
    ) -> None:
        self.name = name
        self.columns: Final = tuple(columns)
        self.enums: Final[Mapping[str, Sequence[str]]] = enums or {}
        #: Every follower that is not late knows the table up to this number.
        self.sent = 0
        #: Rows by handle, oldest first.
        self.rows: dict[int, Row] = {}
        #: Who resumes from before this number needs a snapshot.
        self.floor = 0
        self._source, self._watch = source, watch
        self._handles: dict[Hashable, int] = {}
        self._last_handle = 0
        self._touched: dict[Hashable, None] = {}
        self._ring: deque[tuple[int, int, int]] = deque()
        self._marks: deque[tuple[float, int]] = deque()

    @property
    def is_stale(self) -> bool:
        """Whether rows were touched since the last fold."""
        return bool(self._touched)

    def touch(self, key: Hashable) -> None:
        """The row of ``key`` may have changed, come or gone."""
        self._touched[key] = None

    def known_keys(self) -> Iterable[Hashable]:
        """The keys of all rows, as of now."""
        return tuple(self._handles)

    def fold(self, seq: int, now: float) -> dict[int, int]:
        """
        Take in every touched row as of ``seq``; the columns of each row that changed.

        If there are any, ``sent`` is ``seq`` afterwards, and the caller tells every
        follower that is not late; if not, nothing is to be told and ``sent`` stays.
        """
        masks: dict[int, int] = {}
        touched, self._touched = self._touched, {}
        for key in touched:
            changed = self._put(key, self._source(key))
            if changed is not None:
                masks[changed[0]] = changed[1]
        if not masks:
            return masks
        self._ring.extend((seq, handle, mask) for handle, mask in masks.items())
        self._forget(seq, now)
        self.sent = seq
        return masks

    def begin(self, seq: int) -> None:
        """Who resumes from before ``seq`` needs a snapshot."""
        self.floor = self.sent = seq
        self._ring.clear()
        self._marks.clear()

    def clear(self) -> None:
        """Forget every row without telling; handles go on from where they were."""
        self.rows.clear()
        self._handles.clear()
        self._touched.clear()

    def since(self, seq: int) -> list[Op] | None:
        """What brings who knows ``seq`` up to ``sent``; ``None`` if that is forgotten."""
        if seq < self.floor or seq > self.sent:
            return None
        masks: dict[int, int] = {}
        for at, handle, mask in reversed(self._ring):
            if at <= seq:
                break
            masks[handle] = masks.get(handle, 0) | mask
        return self.ops(dict(reversed(masks.items())))

    def ops(self, masks: Mapping[int, int]) -> list[Op]:
        """The operations that tell of the masked columns' present values."""
        columns, ops = self.columns, list[Op]()
        for handle, mask in masks.items():
            row = self.rows.get(handle)
            if row is None:
                ops.append((handle, 0))
            elif mask == WHOLE:
                ops.append((handle, (1, dict(zip(columns, row, strict=True)))))
            else:
                changed = compress(range(len(columns)), map(int, f"{mask:b}"[::-1]))
                ops.append((handle, {columns[at]: row[at] for at in changed}))
        return ops

    def whole(self) -> list[Op]:
        """Every row as an addition."""
        return [
            (handle, (1, dict(zip(self.columns, row, strict=True))))
            for handle, row in self.rows.items()
        ]

    def columnar(self) -> dict[str, list[object]]:
        """Every row, by column; ``rows`` has the handles in the same order."""
        if not self.rows:
            return {name: [] for name in self.columns}
        turned = zip(*self.rows.values(), strict=True)
        return {name: list(values) for name, values in zip(self.columns, turned, strict=True)}

    def _put(self, key: Hashable, row: Row | None) -> tuple[int, int] | None:
        """The handle of a changed row and the mask of its changed columns."""
        handle = self._handles.get(key)
        old = None if handle is None else self.rows[handle]
        if old == row:
            return None
        if self._watch is not None:
            self._watch(old, row)
        if row is None:
            assert handle is not None
            del self._handles[key], self.rows[handle]
            return handle, WHOLE
        if handle is None or old is None:
            self._last_handle += 1
            self._handles[key] = handle = self._last_handle
            self.rows[handle] = row
            return handle, WHOLE
        self.rows[handle] = row
        mask, bit = 0, 1
        for before, after in zip(old, row, strict=True):
            if before != after:
                mask |= bit
            bit <<= 1
        return handle, mask

    def _forget(self, seq: int, now: float) -> None:
        ring = self._ring
        self._marks.append((now, seq))
        while len(self._marks) > 1 and self._marks[0][0] < now - RING_AGE_S:
            self.floor = max(self.floor, self._marks.popleft()[1])
        while len(ring) > RING_CHANGES_MAX:
            self.floor = max(self.floor, ring[0][0])
            ring.popleft()
        while ring and ring[0][0] <= self.floor:
            ring.popleft()
