"""``/health``, ``/version``, ``/flags``: what every daemon answers for itself."""

from __future__ import annotations

from mesostw.http.identity import Identity
from mesostw.http.rendering import TEXT, Query, Reply, json_reply


class Basics:
    """The pages that need no state."""

    def __init__(self, identity: Identity) -> None:
        self._flags = json_reply({"flags": identity.flags})
        self._version = json_reply(identity.build())
        self._health = Reply(b"", TEXT)

    def health(self, query: Query) -> Reply:
        """200 and nothing: the reactor turns."""
        return self._health

    def version(self, query: Query) -> Reply:
        return self._version

    def flags(self, query: Query) -> Reply:
        return self._flags
