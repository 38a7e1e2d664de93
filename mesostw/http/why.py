"""``/api/v1/why/KIND/ID``: why something is as it is, in a sentence, facts and a story."""

from __future__ import annotations

from collections.abc import Callable

from klein import Klein
from msgspec import Struct, to_builtins

from mesostw.http.errors import HttpRefusal
from mesostw.http.rendering import Query, as_json

#: The core's explanation of a kind of thing by its id; ``None`` if there is no such thing.
Why = Callable[[str, str], Struct | None]


class WhyApi:
    """Asks the core, which knows what last happened to each thing."""

    app = Klein()

    def __init__(self, why: Why) -> None:
        self._why = why

    @app.route("/<kind>/<path:name>")
    @as_json
    async def why(self, query: Query, kind: str, name: str) -> object:
        """Explain a ``task`` (``FRAMEWORK/TASK``), an ``agent`` or a ``framework``."""
        told = self._why(kind, name)
        if told is None:
            raise HttpRefusal.not_found(f"No {kind} is called {name}.\n")
        return to_builtins(told)
