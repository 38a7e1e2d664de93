"""Where ZooKeeper is, in the words of each daemon; passwords are never shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from mesostw.daemons.options import Flag, FlagOptions
from mesostw.daemons.zk_flags import (
    MASTER_FLAG,
    ZK_FLAGS,
    ZK_PARTS,
    bench_of,
    framework_bench,
)
from mesostw.model.zkurl import Credentials
from mesostw.zookeeper.election import MASTERS

URL = "zk://ann:sesame@a:2181,b:2182/mesos"


class Masters(FlagOptions):
    """A master's."""

    flags: ClassVar[Sequence[Flag]] = (MASTER_FLAG, *ZK_FLAGS)
    environment: ClassVar[dict[str, str]] = {"MESOS_MASTER": "h:5050"}


class Parts(FlagOptions):
    """Chronos'."""

    flags: ClassVar[Sequence[Flag]] = ZK_PARTS
    environment: ClassVar[dict[str, str]] = {}


def parsed(kind: type[FlagOptions], *words: str) -> FlagOptions:
    """What the command line says."""
    options = kind()
    options.parseOptions(words)
    return options


class ZkFlagTests(SynchronousTestCase):
    """What is given is what is meant."""

    def test_alone(self) -> None:
        """Without a ZooKeeper there is one alone."""
        self.assertIsNone(bench_of(parsed(Masters), MASTERS, "/r", bytes.decode))
        self.assertIsNone(framework_bench(parsed(Parts), "/c"))

    def test_url(self) -> None:
        """A URL, and how long a session is."""
        options = parsed(Masters, f"--zk={URL}", "--zk_session_timeout=4secs")
        bench = bench_of(options, MASTERS, "/r", bytes.decode)
        assert bench is not None
        self.assertEqual(bench.url.servers, (("a", 2181), ("b", 2182)))
        self.assertEqual((bench.url.path, bench.session_timeout_s), ("/mesos", 4.0))

    def test_parts(self) -> None:
        """Chronos names servers, path, time and password one by one."""
        given = ("--zk_hosts=a,b:2182", "--zk_timeout=4000", "--zk_auth=ann:sesame")
        bench = framework_bench(parsed(Parts, *given), "/candidate")
        assert bench is not None
        self.assertEqual(bench.url.servers, (("a", 2181), ("b", 2182)))
        self.assertEqual(bench.url.credentials, Credentials("ann", "sesame"))
        self.assertEqual((bench.url.path, bench.session_timeout_s), ("/chronos/state", 4.0))
        self.assertEqual(bench.place.path("x"), "/candidate/x")

    def test_file(self) -> None:
        """A URL with a password may stand in a file, which no command line shows."""
        file = Path(self.mktemp())
        file.write_text(f"{URL}\n")
        options = parsed(Masters, f"--zk=file://{file.absolute()}", f"--master={file.absolute()}")
        self.assertEqual(options["zk"].path, "/mesos")
        self.assertEqual(options["master"], URL)

    def test_passwords_are_not_shown(self) -> None:
        """Neither where flags are shown nor in a refusal."""
        shown = parsed(Masters, f"--zk={URL}", f"--master={URL}").shown()
        self.assertNotIn("sesame", str(shown))
        for wrong in ("--zk=zk://ann:sesame@a:x/m", "--master=zk://ann:sesame@a:x/m"):
            fault = self.assertRaises(usage.UsageError, parsed, Masters, wrong)
            self.assertNotIn("sesame", str(fault))
            self.assertIn(wrong.partition("=")[0], str(fault))

    def test_refused(self) -> None:
        """What makes no sense is refused by the flag's name."""
        wrong = {
            Masters: ("--zk=a:2181/m", "--zk_session_timeout=100ms", "--master=ftp://h:1"),
            Parts: (
                "--zk_hosts=a:x",
                "--zk_hosts=a/path",
                "--zk_hosts=u:p@a",
                "--zk_timeout=10",
                "--zk_path=state",
                "--zk_auth=ann",
            ),
        }
        for kind, texts in wrong.items():
            for text in texts:
                fault = self.assertRaises(usage.UsageError, parsed, kind, text)
                self.assertIn(text.partition("=")[0], str(fault))
