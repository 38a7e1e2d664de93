"""
Which containers an agent has been told of, so that each thing is told once.

A supervisor tells all that it knows at each connection and leaves it to the other side
to know what is news.  This is that side, without any I/O: sentences of ``frames`` in,
stimuli out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from mesostw.core.agent.containers import ContainerExited, ContainerFailed, ContainerStarted
from mesostw.launching.frames import LOST, NOT_KNOWN
from mesostw.model.ids import ContainerId

Told: TypeAlias = ContainerStarted | ContainerExited | ContainerFailed
Sentence: TypeAlias = Sequence[object]


class Ledger:
    """What one agent's life knows of its containers."""

    def __init__(self) -> None:
        #: Those whose end has not been told, and whether their start has.
        self._open: dict[ContainerId, bool] = {}
        #: Those whose end has been told and which were not yet forgotten.
        self._told: set[ContainerId] = set()
        #: What a supervisor had before this life asked for it: the last word of each.
        self._found: dict[ContainerId, Sentence] = {}
        #: Whether it is settled which of those are wanted.
        self._settled = False
        #: Ended ones that nobody wants to hear of.
        self._useless: list[ContainerId] = []
        #: Those that this connection's supervisor knows.
        self._seen: set[ContainerId] = set()
        #: Those that it cannot know yet, because it has not been asked.
        self._waiting: set[ContainerId] = set()

    # --- what the agent asks for ----------------------------------------------

    def launched(self, container_id: ContainerId, *, waits: bool) -> bool:
        """A launch is wanted; whether it is to be said (``waits``: later, not now)."""
        if container_id in self._open or container_id in self._told:
            return False
        self._take_up(container_id, started=False, waits=waits)
        return True

    def killed(self, container_id: ContainerId, *, waits: bool) -> bool:
        """A kill is wanted; whether it is to be said.  The end of an unknown one is told, too."""
        if container_id in self._told:
            return False
        if container_id not in self._open:
            self._take_up(container_id, started=True, waits=waits)
        return True

    def _take_up(self, container_id: ContainerId, *, started: bool, waits: bool) -> None:
        self._found.pop(container_id, None)
        self._open[container_id] = started
        if waits:
            self._waiting.add(container_id)

    def forgotten(self, containers: Iterable[ContainerId]) -> None:
        """Nobody asks for the end of these again."""
        self._told.difference_update(containers)

    def recovered(self, containers: Iterable[ContainerId]) -> tuple[list[Told], list[ContainerId]]:
        """
        These are what an earlier life had.

        What became of each is given to tell, and which others live and are to be killed.
        """
        self._settled = True
        told: list[Told] = []
        for container_id in containers:
            if container_id in self._open or container_id in self._told:
                continue
            unknown = "exited", container_id, None, NOT_KNOWN
            sentence = self._found.pop(container_id, unknown)
            self._open[container_id] = False
            told += self.heard(sentence)
        found, self._found = self._found, {}
        unwanted = []
        for container_id, sentence in found.items():
            if sentence[0] in ("starting", "started"):
                unwanted.append(container_id)
            else:
                self._useless.append(container_id)
        return told, unwanted

    # --- what a supervisor tells ------------------------------------------------

    def greeted(self) -> None:
        """
        A supervisor begins to tell all that it knows.

        What lived under another one before may not be taken for alive: it is told again
        if it is.
        """
        self._seen.clear()
        self._found = {
            container_id: sentence
            for container_id, sentence in self._found.items()
            if sentence[0] in ("exited", "failed")
        }

    def synced(self) -> list[Told]:
        """It has told all: who should be there and is not has died with another supervisor."""
        missing = [
            container_id
            for container_id in self._open
            if container_id not in self._seen and container_id not in self._waiting
        ]
        self._waiting.clear()
        told: list[Told] = []
        for container_id in missing:
            told += self.heard(("exited", container_id, None, LOST))
        return told

    def heard(self, sentence: Sentence) -> list[Told]:
        """One word on one container, and what of it is news."""
        match sentence:
            case ["starting", str() as name]:
                return self._lives(ContainerId(name), sentence, None)
            case ["started", str() as name, int() as pid]:
                container_id = ContainerId(name)
                return self._lives(container_id, sentence, ContainerStarted(container_id, pid))
            case ["exited", str() as name, int() | None as status, str() as message]:
                container_id = ContainerId(name)
                ended = ContainerExited(container_id, status, message)
                return self._ended(container_id, sentence, ended)
            case ["failed", str() as name, str() as reason, str() as message]:
                container_id = ContainerId(name)
                failed = ContainerFailed(container_id, reason, message)
                return self._ended(container_id, sentence, failed)
            case _:  # a word of a newer supervisor
                return []

    def take_useless(self) -> list[ContainerId]:
        """Ended containers that are to be forgotten, given once."""
        useless, self._useless = self._useless, []
        return useless

    def _lives(
        self, container_id: ContainerId, sentence: Sentence, started: ContainerStarted | None
    ) -> list[Told]:
        self._seen.add(container_id)
        if container_id not in self._open:
            if not self._settled and container_id not in self._told:
                self._found[container_id] = sentence
            return []
        if started is None or self._open[container_id]:
            return []
        self._open[container_id] = True
        return [started]

    def _ended(self, container_id: ContainerId, sentence: Sentence, ended: Told) -> list[Told]:
        self._seen.add(container_id)
        if self._open.pop(container_id, None) is not None:
            self._told.add(container_id)
            return [ended]
        if container_id not in self._told:
            if self._settled:
                self._useless.append(container_id)
            else:
                self._found[container_id] = sentence
        return []
