"""Commands, their environment and what is fetched for them; secrets and credentials."""

from __future__ import annotations

from typing import Annotated

from mesostw.messages.fields import Body, Uint64, always
from mesostw.model.enums import WireEnum


class CommandInfo(Body, frozen=True, kw_only=True):
    """A command: a shell's line if ``shell``, else a program and its arguments."""

    uris: Annotated[tuple[URI, ...], 1] = ()
    environment: Annotated[Environment | None, 2] = None
    #: Whether ``value`` is a line for ``/bin/sh -c``.
    shell: Annotated[bool, 6] = always(True)
    #: The line, or the program's path; without one an image's own command is run.
    value: Annotated[str | None, 3] = None
    #: With the name of the program first, if not ``shell``.
    arguments: Annotated[tuple[str, ...], 7] = ()
    #: Instead of the framework's.
    user: Annotated[str | None, 5] = None


class URI(Body, frozen=True, kw_only=True):
    """A file that is fetched into the sandbox before the command starts."""

    #: A URL, or a path on the agent.
    value: Annotated[str, 1]
    #: Made executable, and not extracted.
    executable: Annotated[bool | None, 2] = None
    #: Whether a known kind of archive is unpacked.
    extract: Annotated[bool, 3] = always(True)
    #: Whether the agent keeps a copy for others.
    cache: Annotated[bool | None, 4] = None
    #: A relative path in the sandbox, instead of the last part of ``value``.
    output_file: Annotated[str | None, 5] = None

    def __repr__(self) -> str:
        """Without a password: what is shown of a command ends in logs."""
        return f"URI({shown(self.value)!r}, ...)"


def shown(value: str) -> str:
    """A URI as people may see it: without the user and password that it may carry."""
    scheme, mark, rest = value.partition("://")
    authority, slash, path = rest.partition("/")
    _, at, host = authority.rpartition("@")
    return f"{scheme}{mark}***@{host}{slash}{path}" if at else value


class Environment(Body, frozen=True, kw_only=True):
    """The variables that a process starts with."""

    variables: Annotated[tuple[Variable, ...], 1] = ()


class VariableType(WireEnum):
    """Whether a variable's value stands in the clear or is a secret."""

    UNKNOWN = "UNKNOWN", 0
    VALUE = "VALUE", 1
    SECRET = "SECRET", 2


class Variable(Body, frozen=True, kw_only=True):
    """One variable: its value in the clear or as a secret."""

    name: Annotated[str, 1]
    type: Annotated[VariableType, 3] = always(VariableType.VALUE)
    value: Annotated[str | None, 2] = None
    secret: Annotated[Secret | None, 4] = None

    def __repr__(self) -> str:
        """Without the value: what is shown of a command ends in logs."""
        return f"Variable(name={self.name!r}, ...)"


class SecretType(WireEnum):
    """Whether a secret is given or referred to."""

    UNKNOWN = "UNKNOWN", 0
    REFERENCE = "REFERENCE", 1
    VALUE = "VALUE", 2


class Secret(Body, frozen=True, kw_only=True):
    """A secret, or where it is kept."""

    type: Annotated[SecretType | None, 1] = None
    reference: Annotated[SecretReference | None, 2] = None
    value: Annotated[SecretValue | None, 3] = None


class SecretReference(Body, frozen=True, kw_only=True):
    """A secret's name in a store of secrets."""

    name: Annotated[str, 1]
    key: Annotated[str | None, 2] = None


class SecretValue(Body, frozen=True, kw_only=True):
    """A secret itself."""

    data: Annotated[bytes, 1]

    def __repr__(self) -> str:
        """Without the secret."""
        return "SecretValue(...)"


class Credential(Body, frozen=True, kw_only=True):
    """Who asks, and the secret that proves it."""

    principal: Annotated[str, 1]
    secret: Annotated[str | None, 2] = None

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Credential(principal={self.principal!r}, ...)"


class Credentials(Body, frozen=True, kw_only=True):
    """Several credentials, as in the masters' file of them."""

    credentials: Annotated[tuple[Credential, ...], 1] = ()


class RateLimit(Body, frozen=True, kw_only=True):
    """How many messages of a principal are taken a second."""

    qps: Annotated[float | None, 1] = None
    principal: Annotated[str, 2]
    capacity: Annotated[Uint64 | None, 3] = None


class RateLimits(Body, frozen=True, kw_only=True):
    """The limits of all principals, and of those without their own."""

    limits: Annotated[tuple[RateLimit, ...], 1] = ()
    aggregate_default_qps: Annotated[float | None, 2] = None
    aggregate_default_capacity: Annotated[Uint64 | None, 3] = None
