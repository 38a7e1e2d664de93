"""Which master led when, and what none may do while another does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from mesostw.daemons.seat import Seat
from mesostw.interfaces import IZooSession
from mesostw.model.zookeeper import Create, Delete, Operation, SessionState, SetData
from mesostw.testing.lives import Surroundings

#: Seconds until a process that stood still has found out what happened meanwhile.
AWAKE_S: Final = 0.5


class Reigning(Protocol):
    """A master as far as it leads."""

    host: str
    #: The epoch that it leads under; 0 before it does.
    epoch: int
    seat: Seat

    @property
    def session(self) -> IZooSession | None:
        """Its session with the ensemble, once it has one."""


class Reigns:
    """
    Remembers whose session took the store over, and complains about whoever acts beside it.

    :param session_s: how long a master whose session still lives may not have heard that it was
        taken out of the election.
    """

    def __init__(self, around: Surroundings, session_s: float) -> None:
        self._around, self._session_s = around, session_s
        #: The session that took the store over last.
        self._taker = 0
        self._epoch = 0
        #: Until when somebody cannot know what others know, by session.
        self._excused: dict[int, float] = {}
        #: Sessions that were ended, or whose nodes were removed, before their time.
        self._robbed: set[int] = set()
        #: Writes by reign.
        self.writes = 0

    def excuse(self, life: Reigning, for_s: float) -> None:
        """Allow a master so much time to find out that it leads no more."""
        if life.session is not None:
            session = life.session.session_id
            until_s = self._around.clock.seconds() + for_s
            self._excused[session] = max(self._excused.get(session, 0.0), until_s)

    def robbed(self, life: Reigning, for_s: float) -> None:
        """Excuse a master whom an operator takes its session or its node away."""
        self.excuse(life, for_s)
        if life.session is not None:
            self._robbed.add(life.session.session_id)

    def written(self, session: int, root: str, operations: Sequence[Operation]) -> None:
        """Complain if a write lands after another has taken the store over."""
        for one in operations:
            if isinstance(one, SetData) and one.path == f"{root}/epoch":
                self._around.tell("session {:x} takes the store over", session)
                self._taker = session
            elif isinstance(one, Create | Delete) and one.path.startswith(f"{root}/log/"):
                self.writes += 1
                if session != self._taker:
                    self._around.wrong(
                        f"session {session:x} writes {one.path} after {self._taker:x} has taken"
                        " the store over"
                    )

    def began(self, life: Reigning) -> bool:
        """
        Complain if a reign has no newer epoch than the last.

        :returns: whether it is one: who stood still before its first word may have been
            followed meanwhile.
        """
        if self._is_followed(life):
            return False
        if life.epoch <= self._epoch:
            self._around.wrong(f"{life.host} leads under {life.epoch} after {self._epoch}")
        self._epoch = max(self._epoch, life.epoch)
        return True

    def acts(self, life: Reigning) -> None:
        """Complain if a master says something while it cannot know that it leads, or does not."""
        session = life.session
        assert session is not None
        if session.state is not SessionState.CONNECTED:
            self._around.wrong(f"{life.host} acts while its session is {session.state}")
        self._is_followed(life)

    def reads(self, life: Reigning) -> None:
        """Complain if a master takes what it remembers for true while another leads."""
        session = life.session
        assert session is not None
        number = session.session_id
        if life.seat.is_proven() and number != self._taker and number not in self._robbed:
            self._around.wrong(f"{life.host} tells what it remembers, and another leads")

    def _is_followed(self, life: Reigning) -> bool:
        """Whether another leads; complains if it must have heard of that."""
        session = life.session
        assert session is not None
        if session.session_id == self._taker:
            return False
        if self._around.clock.seconds() > self._excused.get(session.session_id, 0.0):
            self._around.wrong(f"{life.host} acts while another leads")
        return True
