"""A disk of a few megabytes, which can be filled to the last byte."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

CHUNK: Final = bytes(1 << 16)


class SmallDisk:
    """
    A file system in memory under a directory.

    Only root may mount one: for others ``is_own`` stays false, and whoever wants the disk
    to be full has to find another way.
    """

    def __init__(self, directory: Path, size: int) -> None:
        self._directory, self._size = directory, size
        self._ballast = directory / "ballast"
        self.is_own = False

    def mount(self) -> None:
        """Put it where it belongs, if that is allowed."""
        if os.geteuid() != 0:
            return
        words = ["mount", "-t", "tmpfs", "-o", f"size={self._size},mode=755", "tmpfs"]
        done = subprocess.run([*words, str(self._directory)], capture_output=True, check=False)
        self.is_own = done.returncode == 0

    def fill(self) -> None:
        """Leave no room, not even the end of a page."""
        with self._ballast.open("ab", buffering=0) as file:
            for chunk in (CHUNK, CHUNK[:4096], CHUNK[:1]):
                try:
                    while file.write(chunk) == len(chunk):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Take it away with all that is on it."""
        if self.is_own:
            subprocess.run(["umount", "-l", str(self._directory)], check=True)
            self.is_own = False
