"""
Where containers run: the directory tree of Mesos, which people and tools know.

``WORK_DIR/slaves/AGENT/frameworks/FRAMEWORK/executors/EXECUTOR/runs/CONTAINER``, and
beside the runs a link ``latest`` to the newest.  Imports little: the supervisor uses it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

#: The longest name that file systems take.
SEGMENT_BYTES_MAX: Final = 255
#: The owner works in it and the group may read it, as in Mesos since 1.5.
SANDBOX_MODE: Final = 0o750
#: Directories above the sandbox: everybody may pass.
PARENT_MODE: Final = 0o755


class UnsafeName(ValueError):
    """An id or a path that would lead somewhere else in the tree."""


def segment(name: str) -> str:
    """
    ``name``, if it can be one directory's name.

    :raises UnsafeName: for an empty name, ``.``, ``..``, one with ``/`` or NUL, or a long one.
    """
    if name in ("", ".", ".."):
        raise UnsafeName(f"{name!r} names no directory")
    if "/" in name or "\0" in name:
        raise UnsafeName(f"{name!r} has a character that no directory name can have")
    if len(os.fsencode(name)) > SEGMENT_BYTES_MAX:
        raise UnsafeName(f"{name[:32]!r}... is longer than {SEGMENT_BYTES_MAX} bytes")
    return name


def sandbox_path(
    work_dir: str, agent_id: str, framework_id: str, executor_id: str, container_id: str
) -> str:
    """
    The sandbox of one run.

    :raises UnsafeName: if an id cannot be a directory's name.
    """
    return os.path.join(
        work_dir,
        "slaves",
        segment(agent_id),
        "frameworks",
        segment(framework_id),
        "executors",
        segment(executor_id),
        "runs",
        segment(container_id),
    )


def check_path(directory: str) -> None:
    """
    Refuse a sandbox path that does not say plainly where it leads.

    :raises UnsafeName: if it is relative, or has ``.``, ``..``, NUL or an empty step.
    """
    if not directory.startswith("/") or "\0" in directory:
        raise UnsafeName(f"the sandbox {directory!r} is no absolute path")
    if os.path.normpath(directory) != directory:
        raise UnsafeName(f"the sandbox {directory!r} does not lead straight down")


def make_sandbox(directory: str) -> None:
    """
    Make the directory of a run, and have ``latest`` beside it name it.

    One that is there already keeps what is in it.

    :raises OSError: with the path at fault in ``filename``.
    """
    try:
        os.mkdir(directory, SANDBOX_MODE)
    except FileExistsError:
        pass
    except FileNotFoundError:
        os.makedirs(os.path.dirname(directory), PARENT_MODE, exist_ok=True)
        os.mkdir(directory, SANDBOX_MODE)
    _name_latest(directory)


def _name_latest(directory: str) -> None:
    runs, name = os.path.split(directory)
    if os.path.basename(runs) != "runs":
        return
    latest = os.path.join(runs, "latest")
    try:
        os.symlink(name, latest)
    except FileExistsError:
        fresh = os.path.join(runs, f".latest-{name}"[:SEGMENT_BYTES_MAX])
        with suppress(FileExistsError):
            os.symlink(name, fresh)
        os.replace(fresh, latest)
