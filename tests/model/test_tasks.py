"""The table of moves, walked whole."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.tasks import ABSENT, MOVES, PARTITION_STATES, TERMINAL, TaskState, told

S = TaskState

#: One row a state that is not terminal; columns in the order of ``TaskState``. A dot: no move.
#: STAGING STARTING RUNNING KILLING, the ends, UNREACHABLE, GONE, GONE_BY_OPERATOR, UNKNOWN.
MATRIX = {
    S.TASK_STAGING: ".xxxxxxxxxxxx.",
    S.TASK_STARTING: ".xxxxxxxxxxxx.",
    S.TASK_RUNNING: "..xxxxxxxxxxx.",
    S.TASK_KILLING: "...xxxxxxxxxx.",
    S.TASK_UNREACHABLE: "xxxxxxxxxxxxx.",
    S.TASK_UNKNOWN: "xxxxxxxxxxxxxx",
}


class MovesTests(SynchronousTestCase):
    """Every pair of states was decided on."""

    def test_whole_matrix(self) -> None:
        """The table is the matrix above; a terminal state is never left."""
        for before in TaskState:
            row = MATRIX.get(before, "." * len(TaskState))
            for after, mark in zip(TaskState, row, strict=True):
                self.assertEqual(after in MOVES[before], mark == "x", f"{before} to {after}")

    def test_terminal(self) -> None:
        """A state is terminal if nothing follows it."""
        self.assertEqual(TERMINAL, {state for state in TaskState if not MOVES[state]})
        self.assertFalse(TERMINAL & ABSENT)

    def test_told(self) -> None:
        """Without PARTITION_AWARE the finer states are LOST, the others unchanged."""
        for state in TaskState:
            self.assertIs(told(state, True), state)
            blunt = S.TASK_LOST if state in PARTITION_STATES else state
            self.assertIs(told(state, False), blunt)
