"""What :class:`~mesostw.interfaces.IProber` promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from zope.interface.verify import verifyObject

from mesostw.core.probes import Probed, ProbeKey, ProbeKind, ProbeSpec
from mesostw.interfaces import IProber

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase as Base
else:
    Base = object

K, L = ProbeKey("k"), ProbeKey("l")
#: What the peer ``ANSWERS`` says.
BODY = '{"ready": true}'
CONTENT_TYPE = "application/json"


class PeerKind(Enum):
    """Who is at the address that is asked."""

    #: Answers 200 with ``BODY``.
    ANSWERS = "answers"
    #: Answers 503.
    FAILS = "fails"
    #: Takes connections and says nothing.
    SILENT = "silent"
    #: Nobody is there.
    ABSENT = "absent"


class StoppableProber(Protocol):
    """A prober."""

    @property
    def under_way(self) -> int: ...
    def start(self, key: ProbeKey, spec: ProbeSpec) -> None: ...
    def stop(self, key: ProbeKey) -> None: ...
    def close(self) -> None: ...


class Told(list[Probed]):
    """What was told, in order."""

    def tell(self, findings: Sequence[Probed]) -> None:
        self.extend(findings)

    def of(self, key: ProbeKey) -> list[Probed]:
        return [one for one in self if one.key == key]


class ProberContract(Base):
    """Mix into a ``TestCase``."""

    def make(self, told: Told, concurrent_max: int = 256) -> StoppableProber:
        """A prober that tells ``told``; the test case closes it at its end."""
        raise NotImplementedError

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until ``condition`` holds; fail if it takes too long."""
        raise NotImplementedError

    async def pass_time(self, seconds: float) -> None:
        """Let so much time pass."""
        raise NotImplementedError

    def address(self, peer: PeerKind) -> tuple[str, int]:
        """Host and port of such a peer."""
        raise NotImplementedError

    def spec(self, peer: PeerKind, kind: ProbeKind = ProbeKind.HTTP, **others: Any) -> ProbeSpec:
        host, port = self.address(peer)
        fields: dict[str, Any] = {"interval_s": 60.0, "timeout_s": 20.0, **others}
        return ProbeSpec(kind=kind, host=host, port=port, **fields)

    async def one(self, spec: ProbeSpec) -> Probed:
        """The first finding of a probe."""
        told = Told()
        prober = self.make(told)
        prober.start(K, spec)
        await self.until(lambda: bool(told))
        prober.stop(K)
        return told[0]

    async def test_provides(self) -> None:
        """A prober has every method of the port."""
        verifyObject(IProber, self.make(Told()))

    async def test_answer(self) -> None:
        """An answer is told by its code, and its body is nobody's concern."""
        found = await self.one(self.spec(PeerKind.ANSWERS))
        self.assertEqual(found, Probed(key=K, status=200))
        self.assertTrue(found.answered)

    async def test_bad_answer(self) -> None:
        """A bad answer is an answer."""
        self.assertEqual(await self.one(self.spec(PeerKind.FAILS)), Probed(key=K, status=503))

    async def test_body(self) -> None:
        """Of a body is told as much as is asked for, with its type."""
        for length in (7, 1000):
            found = await self.one(self.spec(PeerKind.ANSWERS, body_bytes_max=length))
            self.assertEqual(
                found,
                Probed(key=K, status=200, content_type=CONTENT_TYPE, body=BODY[:length]),
            )

    async def test_nobody(self) -> None:
        """Where nobody is there is no answer, and words that say so."""
        for kind in (ProbeKind.HTTP, ProbeKind.TCP):
            found = await self.one(self.spec(PeerKind.ABSENT, kind))
            self.assertIn("refused", found.error)
            self.assertIs(found.status, None)
            self.assertFalse(found.answered)

    async def test_timeout(self) -> None:
        """An answer that does not come in time is none."""
        found = await self.one(self.spec(PeerKind.SILENT, timeout_s=0.2))
        self.assertEqual(found, Probed(key=K, error="timeout after 0.2 s"))

    async def test_connection(self) -> None:
        """Over TCP a connection is all that is asked for."""
        for peer in (PeerKind.SILENT, PeerKind.ANSWERS):
            found = await self.one(self.spec(peer, ProbeKind.TCP))
            self.assertEqual(found, Probed(key=K))

    async def test_again_and_again(self) -> None:
        """A probe is repeated, whatever it found."""
        for peer in (PeerKind.ANSWERS, PeerKind.ABSENT):
            for from_end in (True, False):
                told = Told()
                prober = self.make(told)
                prober.start(K, self.spec(peer, interval_s=0.1, from_end=from_end))
                await self.until(lambda told=told: len(told) >= 3)  # type: ignore[misc]
                prober.stop(K)

    async def test_delay(self) -> None:
        """The first comes after its delay."""
        told = Told()
        prober = self.make(told)
        prober.start(K, self.spec(PeerKind.ANSWERS, delay_s=0.3))
        await self.pass_time(0.2)
        self.assertEqual(told, [])
        await self.until(lambda: bool(told))

    async def test_stopped(self) -> None:
        """Of a probe that was stopped nothing is told, whether it waits or asks."""
        told = Told()
        prober = self.make(told)
        prober.start(K, self.spec(PeerKind.ANSWERS, delay_s=0.1))
        prober.start(L, self.spec(PeerKind.SILENT, timeout_s=0.3))
        await self.until(lambda: prober.under_way == 1)
        prober.stop(K)
        prober.stop(L)
        prober.stop(ProbeKey("nobody knows this one"))
        self.assertEqual(prober.under_way, 0)
        await self.pass_time(0.5)
        self.assertEqual(told, [])

    async def test_replaced(self) -> None:
        """Starting a known key asks as the new spec says, and only so."""
        told = Told()
        prober = self.make(told)
        prober.start(K, self.spec(PeerKind.SILENT, timeout_s=0.3))
        await self.until(lambda: prober.under_way == 1)
        prober.start(K, self.spec(PeerKind.FAILS))
        await self.pass_time(0.6)
        self.assertEqual(told, [Probed(key=K, status=503)])

    async def test_many(self) -> None:
        """No more than so many ask at once; the others wait for their turn."""
        told = Told()
        prober = self.make(told, concurrent_max=2)
        for number in range(5):
            prober.start(ProbeKey(f"s{number}"), self.spec(PeerKind.SILENT, timeout_s=0.3))
        most = 0

        def all_told() -> bool:
            nonlocal most
            most = max(most, prober.under_way)
            return len(told) == 5

        await self.until(all_told)
        self.assertEqual(most, 2)
        self.assertEqual([one.key for one in told], [f"s{number}" for number in range(5)])

    async def test_closed(self) -> None:
        """A prober that was closed asks nobody and tells nothing."""
        told = Told()
        prober = self.make(told, concurrent_max=1)
        for key in (K, L):
            prober.start(key, self.spec(PeerKind.SILENT, timeout_s=0.2))
        await self.until(lambda: prober.under_way == 1)
        prober.close()
        await self.pass_time(0.4)
        self.assertEqual((prober.under_way, told), (0, []))
