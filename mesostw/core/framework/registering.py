"""Rules of the name under which a master knows a framework: it never changes."""

from __future__ import annotations

from mesostw.messages.masters import MasterInfo
from mesostw.model.ids import FrameworkId


def fault_of_store(known: FrameworkId | None, count: int, things: str) -> str | None:
    """
    Why a framework must not go on with its store: tasks under a name that it has lost.

    Under a new name a master would not know what runs, and all of it would start twice.

    :param count: of ``things`` in the store that have, or may have, a task.
    """
    if not count or known is not None:
        return None
    return (
        f"The store has {count} {things} but no framework id: with a new one all of"
        " them would be started twice. Give the store its framework id back, or begin"
        " with an empty one after the old framework's tasks have ended."
    )


def fault_of_name(known: FrameworkId | None, given: FrameworkId) -> str | None:
    """Why a framework must not go on under the name that a master has given it."""
    if known is None or known == given:
        return None
    return f"The master calls us {given}, but what runs was started by {known}"


def name_of(master: MasterInfo | None) -> str:
    """A master as people know it; empty if it says nothing of itself."""
    return "" if master is None else master.hostname or master.pid or ""
