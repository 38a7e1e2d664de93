"""When ZooKeeper itself had no leader."""

from __future__ import annotations

import socket
import threading

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.chronos.evidence import Away
from tests.functional.clusters import wait_until
from tests.functional.hosts.leaderless import Leaderless, away_of

SERVERS = ("zookeeper1", "zookeeper2")


class AwayTests(SynchronousTestCase):
    """What looks amount to."""

    def test_none(self) -> None:
        """Somebody always led, or nobody looked."""
        self.assertEqual(away_of(SERVERS, ()), [])
        self.assertEqual(away_of(SERVERS, ((1.0, True), (2.0, True))), [])

    def test_once(self) -> None:
        """From the first look that found none to the next that found one."""
        looks = ((1.0, True), (2.0, False), (3.0, False), (4.0, True), (5.0, True))
        self.assertEqual(
            away_of(SERVERS, looks), [Away(part=one, start=2.0, end=4.0) for one in SERVERS]
        )

    def test_until_the_end(self) -> None:
        """And never again, as far as was looked."""
        looks = ((1.0, False), (2.0, True), (3.0, False), (4.0, False))
        self.assertEqual(
            [(one.start, one.end) for one in away_of(SERVERS[:1], looks)], [(1.0, 2.0), (3.0, 4.0)]
        )


class LookingTests(SynchronousTestCase):
    """A server that leads, follows, or says nothing."""

    def serve(self, words: list[bytes]) -> str:
        """Answer who asks with the first of ``words``; the address."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def run() -> None:
            while True:
                try:
                    link, _ = listening.accept()
                except OSError:
                    return
                with link:
                    link.recv(4)
                    link.sendall(words[0])

        threading.Thread(target=run, daemon=True).start()
        return f"127.0.0.1:{listening.getsockname()[1]}"

    def test_looks(self) -> None:
        """One that leads is enough; one that has gone says nothing."""
        mode = [b"Mode: leader\n"]
        taken = socket.create_server(("127.0.0.1", 0))
        gone = f"127.0.0.1:{taken.getsockname()[1]}"
        taken.close()
        looking = Leaderless({"zookeeper1": gone, "zookeeper2": self.serve(mode)})
        looking.start()
        self.addCleanup(looking.close)
        wait_until("a look", lambda: looking.looks, 10.0)
        self.assertEqual(looking.away(), [])
        mode[0] = b"Mode: follower\n"
        wait_until("nobody", lambda: not looking.looks[-1][1], 10.0)
        mode[0] = b"Mode: leader\n"
        wait_until("somebody", lambda: looking.looks[-1][1], 10.0)
        looking.close()
        self.assertEqual([one.part for one in looking.away()], list(SERVERS))
