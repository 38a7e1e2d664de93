"""What a person gives to ``mesostw app`` and ``mesostw job``: files in JSON, fields, passwords."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from mesostw.cli.peer import ClusterError


def read_document(name: str) -> Any:
    """
    The JSON in a file, or on standard input for ``-``.

    :raises ClusterError: it cannot be read, in words that name the file.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        return msgspec.json.decode(text)
    except OSError as fault:
        raise ClusterError(f"{name}: {fault.strerror}") from fault
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise ClusterError(f"{name}: no JSON: {fault}") from fault


def value_of(text: str) -> Any:
    """A field's value: JSON where it is that, else the text itself."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def credentials_of(variable: str) -> tuple[str, str] | None:
    """User and password from the environment: a command line can be read by everybody."""
    user, colon, password = os.environ.get(variable, "").partition(":")
    return (user, password) if colon else None
