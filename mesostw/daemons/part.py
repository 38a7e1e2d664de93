"""
One daemon of a local cluster: ``python -m mesostw.daemons.part SIGNAL PARENT twistd's words``.

It has a session of its own, so that Ctrl-C in a terminal reaches the cluster alone, which
ends its parts in order.  If the cluster is killed outright the kernel sends SIGNAL, where
python-prctl is installed; without it the daemon goes on.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from twisted.scripts.twistd import run


def part_command(farewell: int, *arguments: str) -> tuple[str, ...]:
    """
    The command line of one daemon, run by this very Python.

    :param farewell: the signal that it gets when this process dies.
    """
    ours = (sys.executable, "-m", "mesostw.daemons.part", str(int(farewell)), str(os.getpid()))
    return (*ours, "--nodaemon", "--pidfile=", *arguments)


def main(words: Sequence[str]) -> None:
    """Be that daemon."""
    farewell, parent = int(words[0]), int(words[1])
    os.setsid()
    with contextlib.suppress(ImportError):
        import prctl

        prctl.set_pdeathsig(farewell)
        if os.getppid() != parent:  # it has died before it could have told us
            return
    sys.argv = ["twistd", *words[2:]]
    run()


if __name__ == "__main__":
    main(sys.argv[1:])
