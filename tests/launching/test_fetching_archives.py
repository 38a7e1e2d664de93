"""Archives that mean well, and archives that do not."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

try:
    from mesostw.launching.child import Fault
    from mesostw.launching.fetching import archives
    from mesostw.launching.fetching.files import Budget, path_in, write
except ModuleNotFoundError as missing:
    raise SkipTest("needs python-prctl: pip install 'mesostw[agent]'") from missing


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    """A member of a tar file."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    made.uid = made.gid = 12345
    made.uname = made.gname = "nobody-here"
    return made


def tar_of(*members: tarfile.TarInfo, content: bytes = b"data", mode: str = "w:") -> bytes:
    """A tar file; each plain member has ``content``."""
    file = BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for one in members:
            if one.isreg():
                one.size = len(content)
                archive.addfile(one, BytesIO(content))
            else:
                archive.addfile(one)
    return file.getvalue()


def zip_of(*members: tuple[str, bytes, int]) -> bytes:
    """A zip file of names, contents and modes."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in members:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.create_system = 3 if mode else 0
            archive.writestr(entry, content)
    return file.getvalue()


LINK = stat.S_IFLNK | 0o777
PLAIN = stat.S_IFREG | 0o644
SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE

#: A circle of links, past which nothing is resolved.
CIRCLE = (member("c", SYM, "c"), member("l", SYM, "c/e"), member("e", SYM, "."))

#: Name of the archive, what is in it, and a word of why it is refused.
EVIL = (
    ("a.tar", tar_of(member("../outside")), "leads out of the sandbox"),
    ("a.tar", tar_of(member("x/../../outside")), "leads out of the sandbox"),
    ("a.tar", tar_of(member("x/../y")), "leads out of the sandbox"),
    ("a.tar", tar_of(member("/outside")), "leads out of the sandbox"),
    ("a.tar", tar_of(member("//outside")), "leads out of the sandbox"),
    ("a.tar", tar_of(member("l", SYM, "../..")), "not safe"),
    ("a.tar", tar_of(member("l", SYM, "/etc/passwd")), "not safe"),
    ("a.tar", tar_of(member("d/l", SYM, "../../outside")), "not safe"),
    ("a.tar", tar_of(member("l", SYM, ".."), member("l/outside")), "not safe"),
    ("a.tar", tar_of(member("l", HARD, "../outside")), "not safe"),
    ("a.tar", tar_of(member("l", HARD, "/etc/passwd")), "not safe"),
    ("a.tar", tar_of(member("l", HARD, "x/../y")), "not safe"),
    ("a.tar", tar_of(member("d", SYM, "."), member("l", HARD, "d/../outside")), "not safe"),
    ("a.tar", tar_of(member("d", tarfile.DIRTYPE), member("l", HARD, "d")), "no file in it"),
    ("a.tar", tar_of(member("l", SYM, "m/.."), member("m", SYM, "../x")), "not safe"),
    ("a.tar", tar_of(member("n", b"V")), "not safe"),
    ("a.tar", tar_of(member("e", SYM, "a/b/.."), member("a/b", SYM, "..")), "not safe"),
    ("a.tar", tar_of(member("c", SYM, "c"), member("c/x")), "outside"),
    ("a.tar", tar_of(*CIRCLE, member("l/outside")), "outside"),
    ("a.tar", tar_of(*CIRCLE, member("l/o", tarfile.DIRTYPE)), "outside"),
    ("a.tar", tar_of(*CIRCLE, member("h", HARD, "l/victim")), "not safe"),
    ("a.tar.bz2", bz2.compress(b"x" * 9999)[:20] + bytes(40), "is broken"),
    ("a.tar", tar_of(member("n", tarfile.CHRTYPE)), "not safe"),
    ("a.tar", tar_of(member("n", tarfile.BLKTYPE)), "not safe"),
    ("a.tar", tar_of(member("n", tarfile.FIFOTYPE)), "not safe"),
    ("a.tar", tar_of(member("n" * 2000)), "too long a name"),
    ("a.tar", tar_of(member("l", SYM, "d/" * 1000)), "too long a name"),
    ("a.tar", tar_of(member("here", SYM, "/outside-of-all")), "not safe"),
    ("a.tgz", gzip.compress(tar_of(member("../outside"))), "leads out"),
    ("a.tgz", b"no archive", "is broken"),
    ("a.tar.xz", b"", "is broken"),
    ("a.tgz", gzip.compress(tar_of(member("a"), content=os.urandom(9999)))[:-3000], "is broken"),
    ("a.gz", b"nothing packed", "is broken"),
    ("a.gz", gzip.compress(os.urandom(999))[:-20], "is broken"),
    ("a.zip", b"PK no archive", "is broken"),
    ("a.zip", zip_of(("../outside", b"", PLAIN)), "leads out"),
    ("a.zip", zip_of(("/outside", b"", PLAIN)), "leads out"),
    ("a.zip", zip_of(("x/../../outside", b"", PLAIN)), "leads out"),
    ("a.zip", zip_of(("l", b"..", LINK)), "not safe"),
    ("a.zip", zip_of(("l", b"/etc/passwd", LINK)), "not safe"),
    ("a.zip", zip_of(("l", b"..", LINK), ("l/outside", b"", PLAIN)), "not safe"),
    ("a.zip", zip_of(("n", b"", stat.S_IFCHR | 0o666)), "not safe"),
    ("a.zip", zip_of(("n", b"", stat.S_IFIFO | 0o666)), "not safe"),
    ("a.zip", zip_of(("l", b"d/" * 1000, LINK)), "too long a name"),
)


class ArchiveTestCase(SynchronousTestCase):
    """A sandbox with something outside of it that must stay as it is."""

    def setUp(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="mesostw-"))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.sandbox = self.top / "sandbox"
        self.sandbox.mkdir()

    def unpack(self, name: str, content: bytes, bytes_max: int = 1_000_000) -> None:
        archives.unpack(BytesIO(content), name, str(self.sandbox), Budget(bytes_max))

    def refused(self, work: Callable[..., object], *arguments: object) -> str:
        """What is said of work that is refused."""
        fault = self.assertRaises(Fault, work, *arguments)
        assert isinstance(fault, Fault)
        return fault.message


class EvilTests(ArchiveTestCase):
    """Nothing lands outside, whatever is in an archive."""

    def test_table(self) -> None:
        """Each is refused in words, and changes nothing outside of the sandbox."""
        for name, content, word in EVIL:
            said = self.refused(self.unpack, name, content)
            self.assertIn(word, said)
            self.assertEqual([one.name for one in self.top.iterdir()], ["sandbox"], said)
            shutil.rmtree(self.sandbox)
            self.sandbox.mkdir()

    def test_link_of_an_earlier_archive(self) -> None:
        """A link that was there before is not written through when it leads out."""
        outside = self.top / "outside"
        outside.mkdir()
        (self.sandbox / "l").symlink_to(outside)
        for name, content in (
            ("a.tar", tar_of(member("l/x"))),
            ("a.zip", zip_of(("l/x", b"", PLAIN))),
        ):
            self.refused(self.unpack, name, content)
        said = self.refused(path_in, str(self.sandbox), "l/x", Budget())
        self.assertIn("outside of the sandbox", said)
        self.assertEqual(list(outside.iterdir()), [])

    def test_link_in_the_place_of_a_file(self) -> None:
        """A file replaces a link of its name; what the link named stays as it is."""
        victim = self.top / "victim"
        victim.write_text("mine")
        contents = (
            ("a.tar", tar_of(member("l"))),
            ("a.zip", zip_of(("l", b"data", PLAIN))),
        )
        for name, content in contents:
            (self.sandbox / "l").unlink(missing_ok=True)
            (self.sandbox / "l").symlink_to(victim)
            with contextlib.suppress(Fault):
                self.unpack(name, content)
            self.assertEqual(victim.read_text(), "mine")
        (self.sandbox / "l").unlink(missing_ok=True)
        (self.sandbox / "l").symlink_to(victim)
        write(str(self.sandbox), "l", BytesIO(b"new"), Budget())
        self.assertEqual((victim.read_text(), (self.sandbox / "l").read_text()), ("mine", "new"))

    def test_bombs(self) -> None:
        """What unfolds into more than may be written is stopped."""
        zeros = bytes(2_000_000)
        for name, content in (
            ("a.gz", gzip.compress(zeros)),
            ("a.tgz", gzip.compress(tar_of(member("z"), content=zeros))),
            ("a.zip", zip_of(("z", zeros, PLAIN))),
        ):
            said = self.refused(self.unpack, name, content)
            self.assertIn("more than 1000000 bytes", said)

    def test_many_names(self) -> None:
        """Directories take room too: also those that only stand in other names are counted."""
        deep = [f"{top}/" + "d/" * 30 for top in "abcd"]
        for name, content in (
            ("a.tar", tar_of(*(member(f"{one}f") for one in deep))),
            ("a.tar", tar_of(*(member(one, tarfile.DIRTYPE) for one in deep))),
            ("a.tar", tar_of(*(member(f"{one}l", SYM, "m") for one in deep))),
            ("a.zip", zip_of(*((f"{one}f", b"", PLAIN) for one in deep))),
            ("a.tar", tar_of(*(member(str(number)) for number in range(101)))),
        ):
            said = self.refused(
                archives.unpack, BytesIO(content), name, str(self.sandbox), Budget(names_max=100)
            )
            self.assertIn("more than 100 files and directories", said)
            shutil.rmtree(self.sandbox)
            self.sandbox.mkdir()
        budget = Budget(names_max=100)
        for _ in range(2):
            archives.unpack(
                BytesIO(tar_of(*(member(f"{deep[0]}{number}") for number in range(30)))),
                "a.tar",
                str(self.sandbox),
                budget,
            )

    def test_bits_of_the_owner(self) -> None:
        """A program does not get its owner's rights from an archive."""
        self.unpack("a.tar", tar_of(member("t", mode=0o6755)))
        self.unpack("a.zip", zip_of(("z", b"", stat.S_IFREG | 0o6755)))
        for name in ("t", "z"):
            self.assertEqual(stat.S_IMODE((self.sandbox / name).stat().st_mode), 0o755)
            self.assertEqual((self.sandbox / name).stat().st_uid, os.geteuid())

    def test_encrypted(self) -> None:
        """A member that wants a password is refused by name."""
        content = bytearray(zip_of(("z", b"data", PLAIN)))
        content[6] |= 1
        content[content.index(b"PK\x01\x02") + 8] |= 1
        said = self.refused(self.unpack, "a.zip", bytes(content))
        self.assertIn("'z' is encrypted", said)


class GoodTests(ArchiveTestCase):
    """Every kind that there is."""

    def test_kinds(self) -> None:
        """The kind is told by the end of the name."""
        for name in ("a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tbz2", "a.tar.xz", "a.txz"):
            self.assertEqual(archives.kind_of(name), "tar")
        self.assertEqual(archives.kind_of("a.gz"), "gz")
        self.assertEqual(archives.kind_of("a.zip"), "zip")
        for name in ("a", "a.bz2", "a.rar", "tar", "zip", "a.tar.zst"):
            self.assertEqual(archives.kind_of(name), "")

    def test_tars(self) -> None:
        """Files, directories, links and modes come out of each kind of tar."""
        plain = tar_of(
            member("./", tarfile.DIRTYPE, mode=0o755),
            member("bin/run", mode=0o755),
            member("shut/", tarfile.DIRTYPE, mode=0o000),
            member("shut/in"),
            member("link", SYM, "bin/run"),
            member("hard", HARD, "bin/run", mode=0o755),
        )
        for name, content in (
            ("a.tar", plain),
            ("a.tar.gz", gzip.compress(plain)),
            ("a.tbz2", bz2.compress(plain)),
            ("a.tar.xz", lzma.compress(plain)),
        ):
            self.unpack(name, content)
            self.assertEqual((self.sandbox / "bin/run").read_bytes(), b"data")
            self.assertEqual((self.sandbox / "bin/run").stat().st_mode & 0o777, 0o755)
            self.assertEqual((self.sandbox / "shut/in").read_bytes(), b"data")
            self.assertEqual(os.readlink(self.sandbox / "link"), "bin/run")
            self.assertEqual((self.sandbox / "hard").read_bytes(), b"data")
            shutil.rmtree(self.sandbox)
            self.sandbox.mkdir()

    def test_zip(self) -> None:
        """Files with their modes, directories and links come out of a zip file."""
        self.unpack(
            "a.zip",
            zip_of(
                ("d/", b"", stat.S_IFDIR | 0o755),
                ("d/run", b"data", stat.S_IFREG | 0o755),
                ("no-mode", b"x", 0),
                ("link", b"d/run", LINK),
            ),
        )
        self.assertEqual((self.sandbox / "link").read_bytes(), b"data")
        self.assertEqual((self.sandbox / "d/run").stat().st_mode & 0o777, 0o755)
        self.assertEqual((self.sandbox / "no-mode").stat().st_mode & 0o777, 0o644)
        made = time.localtime((self.sandbox / "d/run").stat().st_mtime)
        self.assertEqual(made[:6], (1980, 1, 1, 0, 0, 0))

    def test_gz(self) -> None:
        """A packed file is unpacked under its name without ``.gz``, also from a directory."""
        self.unpack("a.txt.gz", gzip.compress(b"one"))
        self.unpack("x/b.gz", gzip.compress(b"two"))
        self.assertEqual((self.sandbox / "a.txt").read_bytes(), b"one")
        self.assertEqual((self.sandbox / "b").read_bytes(), b"two")

    def test_twice(self) -> None:
        """The same archive again replaces its files."""
        for content in (b"one", b"two"):
            self.unpack("a.tar", tar_of(member("d/f"), content=content))
            self.unpack("a.zip", zip_of(("d/g", content, PLAIN)))
        self.assertEqual((self.sandbox / "d/f").read_bytes(), b"two")
        self.assertEqual((self.sandbox / "d/g").read_bytes(), b"two")
