"""Probes whose answers are scripted, in virtual time, for simulations and tests."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from twisted.internet.interfaces import IDelayedCall

from mesostw.core.probes import ProbeKind, ProbeSpec
from mesostw.interfaces import IClock
from mesostw.probing.prober import CONCURRENT_MAX, Finding, Prober, Tell


class Scripted(Struct, frozen=True, kw_only=True):
    """What one probe is going to find."""

    #: From the question to the answer; ``None`` never answers.
    after_s: float | None = 0.001
    #: The code of an HTTP answer.
    status: int = 200
    #: Why there is no answer; empty if there is one.
    error: str = ""
    content_type: str = ""
    body: str = ""


def all_well(spec: ProbeSpec) -> Scripted:
    """Answer at once, whoever is asked."""
    return Scripted()


def memory_prober(
    clock: IClock,
    tell: Tell,
    script: Callable[[ProbeSpec], Scripted] = all_well,
    concurrent_max: int = CONCURRENT_MAX,
) -> Prober:
    """
    A prober that asks nobody.

    :param script: says what each probe finds, at the moment it asks.
    """

    def ask(spec: ProbeSpec, found: Callable[[Finding], None]) -> _Pretended:
        return _Pretended(clock, spec, script(spec), found)

    return Prober(clock, ask, tell, concurrent_max)


class _Pretended:
    """One probe under way."""

    def __init__(
        self,
        clock: IClock,
        spec: ProbeSpec,
        scripted: Scripted,
        found: Callable[[Finding], None],
    ) -> None:
        self._later: IDelayedCall | None = None
        if scripted.after_s is not None:
            finding = _finding(spec, scripted)
            self._later = clock.callLater(scripted.after_s, found, finding)

    def cancel(self) -> None:
        if self._later is not None and self._later.active():
            self._later.cancel()


def _finding(spec: ProbeSpec, scripted: Scripted) -> Finding:
    if scripted.error or spec.kind is ProbeKind.TCP:
        return Finding(error=scripted.error)
    body = scripted.body.encode()[: spec.body_bytes_max].decode(errors="replace")
    kind = scripted.content_type if spec.body_bytes_max else ""
    return Finding(scripted.status, "", kind, body)
