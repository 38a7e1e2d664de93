"""What is wrong with a document, collected: a person wants to hear all of it at once."""

from __future__ import annotations

from typing import Final

from mesostw.core.framework.refusing import Fault, Unfit

#: The API's own words for a wrong shape and for a broken rule.
MALFORMED: Final = "Invalid JSON"
INVALID: Final = "Object is not valid"


class Faults:
    """Faults by their place in a document, in the order they were found."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, path: str, error: str) -> None:
        """Something is wrong at ``path``; the empty path is the whole document."""
        errors = self._found.setdefault(path or "/", [])
        if error not in errors:
            errors.append(error)

    def below(self, path: str, others: Faults) -> None:
        """Everything that ``others`` found in what is at ``path`` here."""
        for inner, errors in others._found.items():
            for error in errors:
                self.add(path if inner == "/" else path + inner, error)

    def told(self) -> tuple[Fault, ...]:
        return tuple(Fault(path, tuple(errors)) for path, errors in self._found.items())

    def malformed(self) -> Unfit:
        """The answer to a document of a wrong shape."""
        return Unfit("malformed", MALFORMED, self.told())

    def invalid(self) -> Unfit:
        """The answer to a document that breaks a rule."""
        return Unfit("invalid", INVALID, self.told())


def unsupported(what: str) -> str:
    """How something is refused that the API has and we have not."""
    return f"{what} is not supported yet: leave it out"
