"""Flags that more than one framework has, and how their texts are read."""

from __future__ import annotations

from mesostw.daemons.options import Flag, count, file_text, port


def milliseconds(text: str) -> float:
    """Seconds from a whole number of milliseconds."""
    if not text.isdigit():
        raise ValueError("give a whole number of milliseconds")
    return int(text) / 1000


def interval(text: str) -> float:
    """Seconds from a whole number of milliseconds above 0, for what comes again and again."""
    found = milliseconds(text)
    if not found:
        raise ValueError("give a whole number of milliseconds above 0")
    return found


def amount(text: str) -> int:
    """A whole number from 1, where with 0 nothing would ever happen."""
    found = count(text)
    if not found:
        raise ValueError("give a whole number above 0")
    return found


def seconds(text: str) -> float:
    """Seconds from a whole number of them."""
    if not text.isdigit():
        raise ValueError("give a whole number of seconds")
    return float(text)


def credentials(text: str) -> str:
    """``user:password``, or the path of a file that has it."""
    found = file_text(text).strip()
    user, colon, password = found.partition(":")
    if not (user and colon and password):
        raise ValueError("give USER:PASSWORD, or the path of a file that has it")
    return found


def origins(text: str) -> tuple[str, ...]:
    """Origins that are separated by commas."""
    return tuple(one.strip() for one in text.split(",") if one.strip())


def http_flags(title: str, port_default: str, origins_default: str | None) -> tuple[Flag, ...]:
    """Where a framework's API is, and who may use it; ``title`` is the framework's name."""
    return (
        Flag("http_address", "Address to listen on; beyond loopback only when told.", "127.0.0.1"),
        Flag("http_port", "Port of the API and of the dashboard. 0: any.", port_default, port),
        Flag(
            "webui_url",
            f"Where people reach {title}, as the master shows it; made up if not given.",
        ),
        Flag(
            "http_credentials",
            "USER:PASSWORD that every request must have, or the path of a file that has it. Prefer "
            "the file or the environment: a command line can be read by everybody on the machine.",
            read=credentials,
            secret=True,
        ),
        Flag(
            "access_control_allow_origin",
            "Origins, separated by commas, whose pages may read the API; * for all.",
            origins_default,
            origins,
        ),
    )
