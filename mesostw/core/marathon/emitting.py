"""
An app as the API shows it.

Keys with defaults are always there; what is absent or empty is left out, except
``portDefinitions``: none at all is not the same as the one that an app has by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import to_builtins

from mesostw.model.apps import App, AppSpec

#: What ``instances`` is in a document, in place of a number: one on each matching agent.
EVERY_AGENT: Final = "*"

#: Ours; clients that do not know them never see them.
_EXTENSIONS: Final = frozenset({"everyAgent", "drainDelaySeconds"})
#: Shown even if they are empty.
_ALWAYS: Final = frozenset({"executor", "acceptedResourceRoles", "portDefinitions"})


def spec_document(spec: AppSpec, *, extensions: bool = False) -> dict[str, object]:
    """What an app is wished to be, as a document that is read as the same again."""
    document: dict[str, object] = {}
    for key, value in to_builtins(spec).items():
        if key in _EXTENSIONS:
            continue
        lean = _lean(value)
        if lean is not None or key in _ALWAYS:
            document[key] = value if lean is None else lean
    if spec.unreachable_strategy is None:
        document["unreachableStrategy"] = "disabled"
    if extensions:
        _extend(document, spec)
    return document


def app_document(app: App, *, extensions: bool = False) -> dict[str, object]:
    """An app at one of its versions."""
    document = spec_document(app.spec, extensions=extensions)
    document["version"] = app.version
    document["versionInfo"] = {
        "lastScalingAt": app.last_scaling_at,
        "lastConfigChangeAt": app.last_config_change_at,
    }
    return document


def _extend(document: dict[str, object], spec: AppSpec) -> None:
    if spec.every_agent:
        document["instances"] = EVERY_AGENT
    if spec.drain_delay_seconds > 0:
        document["drainDelaySeconds"] = spec.drain_delay_seconds


def _lean(value: object) -> object:
    """``value`` without what is absent or empty; ``None`` if nothing is left."""
    if isinstance(value, Mapping):
        shown = {key: kept for key, inner in value.items() if (kept := _lean(inner)) is not None}
        return shown or None
    if isinstance(value, list | tuple):
        return [kept for inner in value if (kept := _lean(inner)) is not None] or None
    return value
