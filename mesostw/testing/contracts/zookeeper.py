"""What :class:`~mesostw.interfaces.IZooKeeper` and its sessions promise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from mesostw.interfaces import IClock, IZooKeeper, IZooSession
from mesostw.model.zkurl import Credentials
from mesostw.model.zookeeper import (
    REQUEST_BYTES_MAX,
    Acl,
    BadVersion,
    Check,
    Create,
    Delete,
    EphemeralParent,
    Happening,
    InvalidAcl,
    NoAuth,
    NodeExists,
    NoNode,
    NotEmpty,
    Permission,
    SessionState,
    SetData,
    TooLarge,
    Watched,
    ZooKeeperFault,
)

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as Base
else:
    Base = object

T = TypeVar("T")
X = TypeVar("X", bound=Exception)

CONNECTED, SUSPENDED, EXPIRED = SessionState.CONNECTED, SessionState.SUSPENDED, SessionState.EXPIRED


class World(ABC):
    """An ensemble, and the links of its clients, which have names."""

    clock: IClock

    @abstractmethod
    def ensemble(
        self,
        link: str,
        root: str = "/",
        credentials: Credentials | None = None,
        timeout_s: float = 4.0,
    ) -> IZooKeeper:
        """The ensemble over the link of that name."""

    @abstractmethod
    def pass_time(self, deferred: Deferred[Any] | None, at_most_s: float) -> None:
        """Let time pass until ``deferred`` has fired, or that much has passed."""

    @abstractmethod
    def cut(self, link: str) -> None:
        """Break a link, which may be made again."""

    @abstractmethod
    def silence(self, link: str, silent: bool) -> None:
        """Nothing gets through, and nobody is told."""

    @abstractmethod
    def refuse(self, link: str, refused: bool) -> None:
        """A broken link cannot be made again."""

    @abstractmethod
    def lose_answers(self, link: str) -> None:
        """What is asked gets through, and nothing comes back, until the link breaks."""

    @abstractmethod
    def expire(self, session: IZooSession) -> None:
        """Have the ensemble end a session."""


class Client:
    """A session with what its listener and its watches were told."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.session: IZooSession = None  # type: ignore[assignment]
        self.states: list[SessionState] = []
        self.watched: list[Watched] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)


class ContractCase(Base):
    """Mixed into a ``SynchronousTestCase`` that has a ``world``."""

    #: Longer than anything takes that is to happen.
    patience_s = 20.0
    world: World

    def result(self, deferred: Deferred[T]) -> T:
        """What ``deferred`` fires with."""
        self.world.pass_time(deferred, self.patience_s)
        return self.successResultOf(deferred)

    def fault(self, deferred: Deferred[T], kind: type[X]) -> X:
        """What ``deferred`` fails with."""
        self.world.pass_time(deferred, self.patience_s)
        failure = self.failureResultOf(deferred, kind)
        assert isinstance(failure.value, kind)
        return failure.value

    def open(
        self,
        link: str = "a",
        root: str = "/",
        credentials: Credentials | None = None,
        timeout_s: float = 4.0,
    ) -> Client:
        """A new session."""
        client = Client(link)
        ensemble = self.world.ensemble(link, root, credentials, timeout_s)
        client.session = self.result(ensemble.connect(client.states.append))
        self.addCleanup(self.close, client)
        return client

    def close(self, client: Client) -> None:
        """End a session, whatever its link does."""
        self.result(client.close())

    def until_told(self, client: Client, *states: SessionState) -> None:
        """Wait until the listener has been told just these."""
        self.until(lambda: len(client.states) >= len(states))
        self.assertEqual(client.states, list(states))

    def until(self, met: Any, at_most_s: float | None = None) -> None:
        """Wait until ``met()``."""
        left_s = self.patience_s if at_most_s is None else at_most_s
        while not met() and left_s > 0:
            self.world.pass_time(None, 0.02)
            left_s -= 0.02
        self.assertTrue(met())

    def caught_up(self, client: Client) -> None:
        """Wait until a client has heard whatever happened before."""
        self.result(client.exists("/"))


class NodeContract(ContractCase):
    """Nodes, versions, order, transactions, permissions."""

    def test_provides(self) -> None:
        """Both ports have every method."""
        verifyObject(IZooKeeper, self.world.ensemble("a"))
        client = self.open()
        verifyObject(IZooSession, client.session)
        self.assertEqual(client.state, CONNECTED)
        self.assertGreater(client.session_id, 0)
        self.assertGreater(client.timeout_s, 0)

    def test_when_a_link_was_dialled(self) -> None:
        """It is told of the link that there is: the first, and then the next."""
        begun = self.world.clock.seconds()
        client = self.open()
        first = client.session.dialled_at
        self.assertLessEqual(begun, first)
        self.world.pass_time(None, 0.2)
        self.assertEqual(client.session.dialled_at, first)
        cut = self.world.clock.seconds()
        self.world.cut("a")
        self.until(lambda: client.states[-1:] == [CONNECTED])
        self.assertLessEqual(cut, client.session.dialled_at)
        self.assertLessEqual(client.session.dialled_at, self.world.clock.seconds())

    def test_life_of_a_node(self) -> None:
        """A node is made, read, set and removed, and its stat counts."""
        client = self.open()
        self.assertEqual(self.result(client.create("/a", b"1")), "/a")
        data, made = self.result(client.get("/a"))
        self.assertEqual((data, made.version, made.data_bytes), (b"1", 0, 1))
        self.assertEqual((made.czxid, made.mzxid), (made.pzxid, made.czxid))
        stat = self.result(client.set("/a", b"22", 0))
        self.assertEqual((stat.version, stat.data_bytes, stat.czxid), (1, 2, made.czxid))
        self.assertGreater(stat.mzxid, stat.czxid)
        self.assertEqual(self.result(client.exists("/a")), stat)
        self.result(client.create("/a/b"))
        names, above = self.result(client.children("/a"))
        self.assertEqual((names, above.children, above.cversion), (("b",), 1, 1))
        self.result(client.delete("/a/b"))
        self.assertEqual(self.result(client.exists("/a")).cversion, 2)
        self.assertIsNone(self.result(client.delete("/a", 1)))
        self.assertIsNone(self.result(client.exists("/a")))

    def test_refusals(self) -> None:
        """Each says what is wrong, with which node, and nothing has changed."""
        client = self.open()
        self.result(client.create("/a", b"1"))
        self.result(client.create("/a/e", ephemeral=True))
        faults = [
            (client.create("/a"), NodeExists, "/a"),
            (client.create("/none/b"), NoNode, "/none/b"),
            (client.create("/a/e/b"), EphemeralParent, "/a/e/b"),
            (client.create("/b", acl=[]), InvalidAcl, "/b"),
            (client.get("/none"), NoNode, "/none"),
            (client.children("/none"), NoNode, "/none"),
            (client.set("/none", b""), NoNode, "/none"),
            (client.set("/a", b"2", 1), BadVersion, "/a"),
            (client.delete("/none"), NoNode, "/none"),
            (client.delete("/a", 3), BadVersion, "/a"),
            (client.delete("/a"), NotEmpty, "/a"),
            (client.get_acl("/none"), NoNode, "/none"),
            (client.set_acl("/a", [Acl(Permission.ALL, "world", "anyone")], 7), BadVersion, "/a"),
            (client.set("/a", b"x" * (REQUEST_BYTES_MAX + 1)), TooLarge, "/a"),
        ]
        for deferred, kind, path in faults:
            fault = self.fault(deferred, kind)
            self.assertEqual((fault.path, fault.index), (path, None))
        data, stat = self.result(client.get("/a"))
        self.assertEqual((data, stat.version, stat.children), (b"1", 0, 1))

    def test_paths(self) -> None:
        """A path that no node can have is an error of the program, at once."""
        client = self.open()
        for path in ("", "a", "/a/", "//a", "/a/../b", "/./a", "/a\0", "/\U00010348"):
            with self.assertRaises(ValueError):
                client.get(path)
        with self.assertRaises(ValueError):
            client.multi([])
        with self.assertRaises(ValueError):
            client.multi([Delete("/a//b")])

    def test_any_bytes(self) -> None:
        """A value may be any bytes, none at all, or nearly a megabyte; a name any text."""
        client = self.open()
        self.result(client.create("/\u00e9 \u20ac", bytes(range(256))))
        self.assertEqual(self.result(client.get("/\u00e9 \u20ac"))[0], bytes(range(256)))
        self.result(client.create("/empty"))
        self.assertEqual(self.result(client.get("/empty"))[0], b"")
        large = b"x" * (REQUEST_BYTES_MAX - 1000)
        self.result(client.set("/empty", large))
        self.assertEqual(self.result(client.get("/empty"))[0], large)

    def test_sequence(self) -> None:
        """Numbers grow with every child that was ever made, whatever its name."""
        client = self.open()
        self.result(client.create("/s"))
        made = [self.result(client.create("/s/n_", sequence=True)) for _ in range(2)]
        self.result(client.create("/s/other"))
        self.result(client.delete(made[1]))
        made.append(self.result(client.create("/s/m_", sequence=True, ephemeral=True)))
        self.assertEqual(made, ["/s/n_0000000000", "/s/n_0000000001", "/s/m_0000000003"])

    def test_order(self) -> None:
        """What is asked without waiting is done, and answered, in the order it was asked."""
        client = self.open()
        self.result(client.create("/o"))
        fired: list[Any] = []
        for number in range(200):
            _ = client.set("/o", b"%d" % number).addCallback(
                lambda stat: fired.append(stat.version)
            )
            _ = client.get("/o").addCallback(lambda found: fired.append(found[0]))
            _ = client.get("/none").addErrback(lambda _, n=number: fired.append(-n))
        large = client.set("/o", b"x" * REQUEST_BYTES_MAX)
        _ = large.addErrback(lambda _: fired.append("too large"))
        _ = client.exists("/none").addCallback(fired.append)
        self.result(client.sync())
        expected: list[Any] = []
        for number in range(200):
            expected += [number + 1, b"%d" % number, -number]
        self.assertEqual(fired, [*expected, "too large", None])

    def test_multi(self) -> None:
        """Several operations are one change, which later ones of it see."""
        client = self.open()
        self.result(client.create("/m", b"0"))
        outcomes = self.result(
            client.multi(
                [
                    SetData("/m", b"1", 0),
                    Create("/m/a", b"", sequence=True),
                    Create("/m/b", b"b"),
                    Create("/m/b/c"),
                    Check("/m", 1),
                    Delete("/m/b/c"),
                ]
            )
        )
        self.assertEqual(outcomes[1:], ("/m/a0000000000", "/m/b", "/m/b/c", None, None))
        first, made = outcomes[0], self.result(client.exists("/m/b"))
        self.assertEqual((first.version, first.mzxid), (1, made.czxid))
        self.assertEqual((made.pzxid, made.cversion), (made.czxid, 2))

    def test_multi_refused(self) -> None:
        """If one is refused none is done, and the fault says which."""
        client = self.open()
        self.result(client.create("/m", b"0"))
        cases: Sequence[tuple[Any, type[ZooKeeperFault]]] = (
            (Check("/m", 3), BadVersion),
            (Check("/none"), NoNode),
            (Create("/m"), NodeExists),
            (Delete("/m"), NotEmpty),
            (SetData("/none", b""), NoNode),
            (Create("/m/x/y/z"), NoNode),
        )
        for last, kind in cases:
            group = [SetData("/m", b"1"), Create("/m/x", ephemeral=True), last, Delete("/m/x")]
            fault = self.fault(client.multi(group), kind)
            self.assertEqual((fault.index, fault.path), (2, last.path))
        large = [SetData("/m", b"x" * (REQUEST_BYTES_MAX // 2)) for _ in range(3)]
        too_large = self.fault(client.multi(large), TooLarge)
        self.assertEqual((too_large.index, too_large.path), (None, ""))
        data, stat = self.result(client.get("/m"))
        self.assertEqual((data, stat.version, stat.children, stat.cversion), (b"0", 0, 0, 0))
        self.assertEqual(self.result(client.create("/m/n", sequence=True)), "/m/n0000000000")

    def test_permissions(self) -> None:
        """With credentials, what we make everyone reads, and nobody else changes."""
        us = self.open("a", credentials=Credentials("us", "secret"))
        nobody = self.open("b")
        others = self.open("c", credentials=Credentials("us", "wrong"))
        self.result(us.create("/p", b"1"))
        for stranger in (nobody, others):
            self.assertEqual(self.result(stranger.get("/p"))[0], b"1")
            for refused in (
                stranger.set("/p", b"2"),
                stranger.create("/p/c"),
                stranger.multi([SetData("/p", b"2")]),
            ):
                self.fault(refused, NoAuth)
            self.fault(stranger.set_acl("/p", [Acl(Permission.ALL, "world", "anyone")]), NoAuth)
        acl, stat = self.result(us.get_acl("/p"))
        self.assertEqual(stat.aversion, 0)
        self.assertEqual(acl[0], Acl(Permission.READ, "world", "anyone"))
        self.assertEqual((acl[1].permissions, acl[1].scheme), (Permission.ALL, "digest"))
        self.assertTrue(acl[1].id.startswith("us:"))
        self.assertEqual(self.result(nobody.get_acl("/p"))[0][1].id, "us:x")
        stat = self.result(us.set_acl("/p", [Acl(Permission.ALL, "world", "anyone")], 0))
        self.assertEqual((stat.aversion, stat.version), (1, 0))
        self.result(nobody.set("/p", b"2"))
        self.fault(nobody.create("/q", acl=[Acl(Permission.ALL, "auth", "")]), InvalidAcl)

    def test_root(self) -> None:
        """A root is made, and everything is seen from it."""
        top, low = self.open("a"), self.open("b", root="/deep/down")
        self.assertEqual(self.result(low.create("/x", b"1")), "/x")
        self.assertEqual(self.result(top.get("/deep/down/x"))[0], b"1")
        self.assertEqual(self.result(low.children("/"))[0], ("x",))
        self.result(low.get("/x", low.watched.append))
        self.result(low.children("/", low.watched.append))
        outcomes = self.result(low.multi([SetData("/x", b"2"), Create("/y")]))
        self.assertEqual(outcomes[1], "/y")
        self.caught_up(low)
        self.assertEqual(
            low.watched,
            [Watched(Happening.CHANGED, "/x"), Watched(Happening.CHILDREN, "/")],
        )
        again = self.open("c", root="/deep/down")
        self.assertEqual(self.result(again.get("/y"))[0], b"")
