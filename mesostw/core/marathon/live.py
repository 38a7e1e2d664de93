"""What Marathon's core forgets when it stops; no reader sees it and no store keeps it."""

from __future__ import annotations

from mesostw.model.apps import AppId, InstanceId, Stamp


class Live:
    """Marks, clocks and tokens of one life."""

    def __init__(self) -> None:
        #: Apps to be looked at in the next slice (``converging``).
        self.marked: dict[AppId, None] = {}
        #: Whether ``Continue`` has been asked for.
        self.continuing = False
        self.last_stamp = Stamp("")
        #: The roles that we are in.
        self.roles: frozenset[str] = frozenset()
        #: Whether a master knows us on the present link.
        self.registered = False
        #: When a kill was last said, in steady seconds.
        self.kills_said: dict[InstanceId, float] = {}
