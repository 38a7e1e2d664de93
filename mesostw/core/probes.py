"""
What a core says of an address to look at again and again, and what it hears of it.

Health checks, checks and readiness checks are all this: a core starts a probe under a
key, a prober (``mesostw.interfaces.IProber``) asks in time and tells of each finding,
until the core stops the probe.  What a finding means is decided by the core.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NewType

from msgspec import Struct

#: A core's own name of one probe; another life of the same thing has another key.
ProbeKey = NewType("ProbeKey", str)

#: Nothing is asked, and no command run, more often, whatever its spec or check says.
INTERVAL_MIN_S: Final = 0.1


class ProbeKind(StrEnum):
    """How an address is asked."""

    HTTP = "HTTP"
    #: The certificate is not verified: it is liveness that is asked for, not identity.
    HTTPS = "HTTPS"
    #: Connect, and hang up.
    TCP = "TCP"


class ProbeSpec(Struct, frozen=True, kw_only=True):
    """Whom to ask, how and how often."""

    kind: ProbeKind
    #: A name or an address; IPv6 without brackets.
    host: str
    port: int
    #: With its query, if it has one; not read for TCP.
    path: str = "/"
    #: Until the first; a little more when very many are started at once.
    delay_s: float = 0.0
    #: At least ``INTERVAL_MIN_S``.
    interval_s: float
    #: Of one probe, redirects included; 0 is without end.
    timeout_s: float
    #: Whether the interval is counted from the end of a probe, as Mesos does, or is a fixed
    #: beat, as in Marathon: then a probe that takes longer than a beat misses the next.
    from_end: bool = False
    #: Whether an answer from 300 to 399 with a ``Location`` is followed rather than told.
    follow_redirects: bool = False
    #: How much of an answer's body is told; 0 for none.
    body_bytes_max: int = 0


# --- effects ----------------------------------------------------------------


class StartProbe(Struct, frozen=True):
    """Ask as ``spec`` says until stopped; a known key is stopped first."""

    key: ProbeKey
    spec: ProbeSpec


class StopProbe(Struct, frozen=True):
    """Ask no more and tell nothing more of ``key``; an unknown one is no error."""

    key: ProbeKey


# --- stimuli ----------------------------------------------------------------


class Probed(Struct, frozen=True, kw_only=True):
    """
    What one probe found.

    A finding may be on its way to a core while that stops its probe: a core ignores
    findings of keys that it does not know.
    """

    key: ProbeKey
    #: The code of an HTTP answer, also a bad one; ``None`` for TCP, and without an answer.
    status: int | None = None
    #: Why there was no answer or no connection, in words; empty if there was.
    error: str = ""
    #: As the answer says it; empty if it does not.
    content_type: str = ""
    #: The first ``body_bytes_max`` bytes of the answer; bytes that are no UTF-8 are replaced.
    body: str = ""

    @property
    def answered(self) -> bool:
        """Whether somebody was there: any answer over HTTP, a connection over TCP."""
        return not self.error
