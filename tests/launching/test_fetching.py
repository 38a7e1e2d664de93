"""Real files, brought by real processes from a real server."""

from __future__ import annotations

import bz2
import datetime
import gzip
import json
import lzma
import os
import pwd
import subprocess
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from unittest import SkipTest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor, ssl
from twisted.web.server import Site

from mesostw.core.agent.fetches import Fetched, FetchSpec
from mesostw.messages.commands import URI
from mesostw.testing.contracts import fetcher as contracts
from tests.launching.fetching_world import FetchingTestCase, tar_of


class FetcherTests(contracts.FetcherContract, FetchingTestCase):
    """The contract, with real files."""

    make = FetchingTestCase.make
    until = FetchingTestCase.until
    pass_time = FetchingTestCase.pass_time

    def good(self, name: str) -> FetchSpec:
        return self.spec(name, self.url("plain"))

    def bad(self, name: str) -> FetchSpec:
        return self.spec(name, self.url("plain"), self.url("missing"))

    def endless(self, name: str) -> FetchSpec:
        return self.spec(name, self.url("endless"))


class WebTests(FetchingTestCase):
    """What a server may answer."""

    async def test_plain(self) -> None:
        """A file is where its name says, readable, and told of in the task's stderr."""
        there = await self.brought(self.spec("a", self.url("plain"), self.url("b%20c", b"")))
        self.assertEqual((there / "plain").read_bytes(), b"hello\n")
        self.assertEqual((there / "plain").stat().st_mode & 0o777, 0o644)
        self.assertIn("plain to plain, 6 bytes", (there / "stderr").read_text())
        self.assertEqual(os.readlink(there.parent / "latest"), "a")

    async def test_large(self) -> None:
        """Many chunks are one file."""
        content = os.urandom(3_000_000)
        there = await self.brought(self.spec("a", self.url("large", content)))
        self.assertEqual((there / "large").read_bytes(), content)

    async def test_executable(self) -> None:
        """An executable can be executed and is not unpacked, whatever its name."""
        content = tar_of("inner", b"x")
        uri = self.url("tool.tgz", content, executable=True)
        there = await self.brought(self.spec("a", uri))
        self.assertEqual((there / "tool.tgz").stat().st_mode & 0o777, 0o755)
        self.assertFalse((there / "inner").exists())

    async def test_output_file(self) -> None:
        """A file goes where it is wanted, with the directories above it."""
        there = await self.brought(self.spec("a", self.url("plain", output_file="x/y/z")))
        self.assertEqual((there / "x/y/z").read_bytes(), b"hello\n")

    async def test_unpacked(self) -> None:
        """An archive is unpacked beside itself; with ``extract`` false it is not."""
        content = tar_of("inner", b"x")
        there = await self.brought(self.spec("a", self.url("b.tgz", content)))
        self.assertEqual((there / "inner").read_bytes(), b"x")
        self.assertEqual((there / "b.tgz").read_bytes(), content)
        there = await self.brought(self.spec("b", self.url("b.tgz", extract=False)))
        self.assertFalse((there / "inner").exists())

    async def test_redirected(self) -> None:
        """Redirects are followed; the name is that of the first URL."""
        there = await self.brought(self.spec("a", self.url("moved")))
        self.assertEqual((there / "moved").read_bytes(), b"hello\n")

    async def test_unsized(self) -> None:
        """A file without a promised size is brought to its end."""
        there = await self.brought(self.spec("a", self.url("unsized")))
        self.assertEqual((there / "unsized").read_bytes(), b"who knows how much\n")

    async def test_password(self) -> None:
        """A password in a URL is used, and not told; others get none."""
        value = f"{self.address.replace('//', '//me:p%40ss@')}/moved"
        there = await self.brought(self.spec("a", URI(value=value)))
        asked = self.web.headers["moved"].getRawHeaders("authorization")
        self.assertEqual(asked, ["Basic bWU6cEBzcw=="])
        self.assertIsNone(self.web.headers["plain"].getRawHeaders("authorization"))
        self.assertNotIn("p%40ss", (there / "stderr").read_text())
        why = await self.refused(self.spec("b", URI(value=value.replace("moved", "missing"))))
        self.assertNotIn("p%40ss", why)

    async def test_refused(self) -> None:
        """What does not come is told with its URI and the cause."""
        for name, word in (
            ("missing", "the server answers 404 Not Found"),
            ("broken", "the server answers 500 Internal Server Error"),
            ("short", "4 bytes came where 100 were promised"),
            ("ftp", "unknown url type: ftp"),
            ("inside", "not allowed"),
        ):
            uri = self.url(name)
            why = await self.refused(self.spec(name, uri))
            self.assertIn(f"{uri.value}: ", why)
            self.assertIn(word, why)

    async def test_nobody_there(self) -> None:
        """A port where nobody listens is told as the system tells it."""
        why = await self.refused(self.spec("a", URI(value="http://127.0.0.1:1/a")))
        self.assertIn("Connection refused", why)

    async def test_first_fault_ends_it(self) -> None:
        """Files are brought one after the other: none is asked for after one that failed."""
        await self.refused(self.spec("a", self.url("missing"), self.url("plain")))
        self.assertEqual(self.web.asked, {"GET missing": 1})

    async def test_cancelled(self) -> None:
        """A cancelled order's process is gone, and its connection with it."""
        heard = contracts.Heard()
        fetcher = self.make(heard)
        spec = self.spec("a", self.url("endless"))
        fetcher.fetch(spec)
        path = Path(spec.directory, "endless")
        await self.until(lambda: path.exists() and path.stat().st_size > 0)
        fetcher.cancel(spec.container_id)
        await self.until(lambda: not fetchers_in(spec.directory))
        self.assertEqual(heard.told, [])


def fetchers_in(directory: str) -> list[str]:
    """Processes of this one that have a file below ``directory`` open."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            opened = [os.readlink(one) for one in (entry / "fd").iterdir()]
        except OSError:
            continue
        found += [entry.name for path in opened if path.startswith(directory)]
    return found


class StallTests(FetchingTestCase):
    """A server that falls silent."""

    stall_s = 0.3

    async def test_stalled(self) -> None:
        """It is given up after the stall limit."""
        why = await self.refused(self.spec("a", self.url("endless")))
        self.assertIn("endless: nothing came for 0.3 s", why)


class SecureTests(FetchingTestCase):
    """Servers that say who they are."""

    def setUp(self) -> None:
        super().setUp()
        self.certificate = certificate_of("localhost")
        options = ssl.PrivateCertificate.loadPEM(self.certificate).options()
        self.secure = reactor.listenSSL(0, Site(self.web), options, interface="127.0.0.1")
        self.addCleanup(self.secure.stopListening)
        self.uri = URI(value=f"https://localhost:{self.secure.getHost().port}/plain")

    async def test_unknown(self) -> None:
        """A server that nobody vouches for is not listened to."""
        why = await self.refused(self.spec("a", self.uri))
        self.assertIn("certificate verify failed", why)
        self.assertEqual(self.web.asked, {})

    async def test_trusted(self) -> None:
        """The agent's environment says whom else to trust."""
        trusted = Path(self.top, "trusted.pem")
        trusted.write_bytes(self.certificate)
        self.environment = {"SSL_CERT_FILE": str(trusted), "SECRET": "1"}
        there = await self.brought(self.spec("a", self.uri))
        self.assertEqual((there / "plain").read_bytes(), b"hello\n")


def certificate_of(host: str) -> bytes:
    """A key and a certificate that the key itself has signed, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    begins = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(begins + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + made.public_bytes(serialization.Encoding.PEM)


class ProxyTests(FetchingTestCase):
    """A web that is reached through a proxy."""

    async def test_proxy(self) -> None:
        """The proxy of the agent's environment is asked for the whole URL."""
        self.environment = {"http_proxy": self.address}
        there = await self.brought(self.spec("a", URI(value="http://far.example/plain")))
        self.assertEqual((there / "plain").read_bytes(), b"hello\n")
        self.assertEqual(self.web.headers["plain"].getRawHeaders("host"), ["far.example"])


class LocalTests(FetchingTestCase):
    """Files of this machine."""

    async def test_copied(self) -> None:
        """A path and a ``file`` URL are copied, and archives unpacked."""
        Path(self.top, "a b").write_bytes(b"1")
        Path(self.top, "c.tgz").write_bytes(tar_of("inner", b"x"))
        uris = URI(value=f"{self.top}/c.tgz"), URI(value=f"file://{self.top}/a%20b")
        there = await self.brought(self.spec("a", *uris))
        self.assertEqual((there / "a b").read_bytes(), b"1")
        self.assertEqual((there / "inner").read_bytes(), b"x")

    async def test_refused(self) -> None:
        """What is no plain file is refused, and a pipe is not waited for."""
        os.mkfifo(f"{self.top}/pipe")
        for value, word in (
            (f"{self.top}/none", "No such file"),
            (self.top, "it is a directory"),
            (f"{self.top}/pipe", "it is no plain file"),
            ("/dev/zero", "it is no plain file"),
        ):
            why = await self.refused(self.spec("a", URI(value=value)))
            self.assertIn(f"{value}: ", why)
            self.assertIn(word, why)


class UserTests(FetchingTestCase):
    """Orders for another user."""

    def setUp(self) -> None:
        if os.geteuid() != 0:
            raise SkipTest("only root can become another user")
        super().setUp()

    async def test_owned(self) -> None:
        """Everything is the user's: sandbox, directories, files, and what was unpacked."""
        content = tar_of("inner", b"x")
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
            archive.writestr("zipped-ä", b"")
        uris = (
            self.url("plain", output_file="x/y"),
            self.url("b.tgz", content),
            self.url("c.txz", lzma.compress(gzip.decompress(tar_of("inner2", b"")))),
            self.url("d.tbz2", bz2.compress(gzip.decompress(tar_of("inner3", b"")))),
            self.url("e.zip", packed.getvalue()),
        )
        there = await self.brought(self.spec("a", *uris, user="nobody"))
        nobody = pwd.getpwnam("nobody").pw_uid
        for path in (".", "x", "x/y", "inner", "inner2", "inner3", "zipped-ä", "b.tgz", "stderr"):
            self.assertEqual((there / path).stat().st_uid, nobody, path)

    async def test_no_more_than_the_user_may(self) -> None:
        """What the user may not read is not read for them, though the agent could."""
        secret = Path(self.top, "secret")
        secret.write_text("for root")
        secret.chmod(0o600)
        for cache in (False, True):
            uri = URI(value=str(secret), cache=cache)
            why = await self.refused(self.spec("a", uri, user="nobody"))
            self.assertIn("secret: Permission denied", why)
        self.assertEqual(list(Path(self.sandbox("a")).glob("secret")), [])

    async def test_no_cached_file_of_others(self) -> None:
        """A cached file that root may read is not given to a user who may not."""
        secret = Path(self.top, "secret")
        secret.write_text("for root")
        secret.chmod(0o600)
        heard = contracts.Heard()
        fetcher = self.make(heard)
        uri = URI(value=str(secret), cache=True)
        mine, theirs = self.spec("a", uri), self.spec("b", uri, user="nobody")
        fetcher.fetch(mine)
        await self.until(lambda: len(heard.told) == 1)
        fetcher.fetch(theirs)
        await self.until(lambda: len(heard.told) == 2)
        self.assertEqual(heard.told[0], Fetched(mine.container_id))
        self.assertNotIsInstance(heard.told[1], Fetched)

    async def test_unknown_user(self) -> None:
        """A user that does not exist fails the order by name."""
        why = await self.refused(self.spec("a", self.url("plain"), user="nobody-at-all"))
        self.assertIn("there is no user 'nobody-at-all' on this agent", why)


class EndlessWorkTests(FetchingTestCase):
    """Archives that need much and write little."""

    async def test_too_much_work(self) -> None:
        """What is unpacked only to be passed over has no bytes to count, but takes time."""
        member = tarfile.TarInfo("hollow")
        # Sparse: of so many bytes in the archive none belongs to the file.
        member.type, member.size = tarfile.GNUTYPE_SPARSE, 600 * 2**26
        archive = Path(self.top, "a.tgz")
        with archive.open("wb") as file:
            file.write(gzip.compress(member.tobuf(tarfile.GNU_FORMAT)))
            zeros = gzip.compress(bytes(2**26), 1)
            for _ in range(600):
                file.write(zeros)
        job = {
            "kind": "fetch",
            "directory": self.sandbox("a"),
            "stall_s": 1.0,
            "parent": os.getpid(),
            "files": [
                {
                    "value": str(archive),
                    "shown": "a.tgz",
                    "path": str(archive),
                    "name": "a.tgz",
                    "executable": False,
                    "extract": True,
                    "fd": None,
                }
            ],
        }
        start = "from mesostw.launching.fetching import program as p; p.CPU_S_MAX = 1; p.main()"
        done = subprocess.run(
            [sys.executable, "-c", start],
            input=json.dumps(job).encode(),
            capture_output=True,
            timeout=120,
            check=True,
        )
        fault = json.loads(done.stdout)["fault"]
        self.assertEqual(fault, "a.tgz: it takes more than 1 s of a processor")
