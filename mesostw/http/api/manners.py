"""What sites of frameworks have in common, and where each has its own way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import attrs

from mesostw.http.api.asking import Call
from mesostw.http.api.refusals import ApiRefusal
from mesostw.http.proxy import Web
from mesostw.http.rendering import Reply
from mesostw.interfaces import IClock, IFeed

#: First words of what every daemon answers for itself, whoever leads.
OWN_WORDS: Final = frozenset(
    {"ping", "metrics", "help", "ui", "public", "logging", "api-console"},
)


class SiteParts(Protocol):
    """What a front needs of a site's parts."""

    @property
    def feed(self) -> IFeed:
        """Its epoch is empty until the store has been read."""

    @property
    def clock(self) -> IClock:
        """For time-outs."""

    @property
    def web(self) -> Web | None:
        """For the leader's answers, if that is another."""

    @property
    def leader(self) -> Callable[[], str | None]:
        """The leader's ``host:port``; empty if it is this daemon, ``None`` if unknown."""

    @property
    def credentials(self) -> str:
        """``USER:PASSWORD`` that every request but ``/ping`` has to show; empty asks nobody."""

    @property
    def compress(self) -> bool:
        """Whether bodies are compressed for who takes that."""

    @property
    def allowed_origins(self) -> Sequence[str]:
        """Origins whose pages may read here; ``*`` is every one."""

    @property
    def requests_max(self) -> int | None:
        """Requests under way at a time; ``None`` is no limit."""

    @property
    def address(self) -> str:
        """``host:port`` that others reach this daemon at."""


def _anything(call: Call) -> None:
    """Whatever a body calls itself, it is read as JSON."""


@attrs.frozen(kw_only=True)
class Manner:
    """How one framework's site differs from another's."""

    #: Of the program, for people.
    name: str
    #: The header that a relayed request is signed with.
    signature: str
    #: The header in which a leader names itself; empty: it does not.
    leader_header: str = ""
    own_words: frozenset[str] = OWN_WORDS
    #: The answer that says a refusal.
    said: Callable[[ApiRefusal], Reply] = ApiRefusal.reply
    #: What is answered while nobody leads.
    no_leader: Callable[[], ApiRefusal] = lambda: ApiRefusal(
        502, "Could not determine the current leader"
    )
    #: First words of what is answered to who shows no credentials.
    open_words: frozenset[str] = frozenset({"ping"})
    #: Refuses what no noun should see, such as bodies that call themselves something wrong.
    check: Callable[[Call], None] = _anything
