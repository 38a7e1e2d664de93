"""
Launch tokens: how many instances may be launched before others run.

So that an app that cannot start does not go through the whole cluster at once: there are
``launch_tokens``, set back to that number every ``launch_token_refresh_interval``; each
launch takes one, and each instance that runs and is healthy brings one.
"""

from __future__ import annotations

from mesostw.core.marathon.turn import Turn


def left(turn: Turn) -> int:
    """How many launches there may be now."""
    found = turn.live.launch.tokens
    return turn.flags.launch_tokens if found is None else found


def taken(turn: Turn, count: int) -> None:
    """Instances were launched."""
    turn.live.launch.tokens = left(turn) - count


def earned(turn: Turn) -> None:
    """An instance runs and is healthy, for the first time."""
    turn.live.launch.tokens = left(turn) + 1


def refreshed(turn: Turn) -> None:
    """Set the number back when it is time."""
    book = turn.live.launch
    if turn.now.steady >= book.tokens_due:
        book.tokens_due = turn.now.steady + turn.flags.launch_token_refresh_interval_s
        book.tokens = turn.flags.launch_tokens
