"""URLs of ensembles: what is read, what is refused, and that passwords are never shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mesostw.model.zkurl import Credentials, ZkUrl, ZkUrlRefused, masked, parse


class ReadTests(SynchronousTestCase):
    """What makes sense."""

    def test_whole(self) -> None:
        """Servers, path and credentials."""
        url = parse("zk://me:se:cret@h1:2181,h2:2182,[::1]:2183/mesos/prod/")
        self.assertEqual(url.servers, (("h1", 2181), ("h2", 2182), ("::1", 2183)))
        self.assertEqual(url.path, "/mesos/prod")
        self.assertEqual(url.credentials, Credentials("me", "se:cret"))
        self.assertEqual(url.hosts, "h1:2181,h2:2182,[::1]:2183")

    def test_least(self) -> None:
        """A host is enough: the port and the root are ZooKeeper's."""
        self.assertEqual(parse("zk://host"), ZkUrl((("host", 2181),)))
        self.assertEqual(parse("zk://host/").path, "/")

    def test_shown(self) -> None:
        """A URL is shown without its password, as text and in any repr."""
        url = parse("zk://me:secret@h:1/p")
        self.assertEqual(str(url), "zk://me:***@h:1/p")
        self.assertNotIn("secret", repr(url) + repr(url.credentials) + repr([url]))
        self.assertEqual(masked("no url"), "no url")

    def test_again(self) -> None:
        """Without credentials its text is read as the same URL."""
        url = parse("zk://h1,[::1]:2183/mesos")
        self.assertEqual(parse(str(url)), url)


class RefusedTests(SynchronousTestCase):
    """What makes no sense is refused with field, value and fix."""

    def refused(self, text: str) -> str:
        with self.assertRaises(ZkUrlRefused) as caught:
            parse(text, "--zk")
        message = str(caught.exception)
        self.assertTrue(message.startswith("--zk: "), message)
        self.assertIn("zk://HOST:PORT", message)
        return message

    def test_refused(self) -> None:
        """Each message says what is wrong."""
        for text, fault in (
            ("http://h/p", "does not begin with zk://"),
            ("", "does not begin"),
            ("zk://", "(number 1) without a host"),
            ("zk://h,,i/p", "(number 2) without a host"),
            ("zk://h,zk1..example/p", "(number 2) whose name no host can have"),
            ("zk://h:x/p", "(number 1) whose port is no number"),
            ("zk://h:0/p", "whose port"),
            ("zk://h:65536/p", "whose port"),
            ("zk://h:" + "9" * 5000, "whose port"),
            ("zk://[::1/p", "with a [ but no ]"),
            ("zk://[::1]2181/p", "with a [ but no ]"),
            ("zk://me@h/p", "a name, a colon and a password"),
            ("zk://:pw@h/p", "a name, a colon and a password"),
            ("zk://h/a//b", "a path that no node can have"),
            ("zk://h/a/../b", "a path that no node can have"),
        ):
            self.assertIn(fault, self.refused(text))

    def test_passwords(self) -> None:
        """No message shows a password, wherever the mistake is."""
        for text in (
            "zk://me:secret@h:x/p",
            "zk://me:secret@",
            "zk://me:sec/ret@h:1/p",
            "zk://me:s@secret/x@h/a//b",
            "me:secret@h:1/p",
            "zk://secret@h:1/p",
        ):
            message = self.refused(text)
            for piece in ("secret", "sec/", "ret@"):
                self.assertNotIn(piece, message)

    @given(st.text(max_size=40), st.text(max_size=40))
    def test_anything(self, before: str, after: str) -> None:
        """Any text is a URL or is refused."""
        for text in (before, f"zk://{before}", f"zk://{before}@{after}", f"zk://h/{after}"):
            try:
                self.assertTrue(parse(text).servers)
            except ZkUrlRefused:
                continue
