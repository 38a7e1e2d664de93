"""A client of Chronos that asks once: what has no answer is left unknown."""

from __future__ import annotations

import http.client
import json
from typing import Any

from msgspec import Struct

from tests.functional.chronos.history import End


class Answer(Struct, frozen=True):
    """How a request ended, and what was said."""

    end: End
    status: int = 0
    body: Any = None


class Client:
    """Asks one Chronos, without ever asking again."""

    def __init__(self, address: str, patience_s: float) -> None:
        self._address, self._patience_s = address, patience_s

    def ask(self, method: str, path: str, document: object = None) -> Answer:
        """Ask; a connection that is refused is a request that was never made."""
        link = http.client.HTTPConnection(self._address, timeout=self._patience_s)
        try:
            try:
                link.connect()
            except ConnectionRefusedError:
                return Answer(End.FAIL)
            body = None if document is None else json.dumps(document)
            link.request(method, path, body, {"Content-Type": "application/json"})
            told = link.getresponse()
            text, status = told.read(), told.status
        except (OSError, http.client.HTTPException):
            return Answer(End.INFO)
        finally:
            link.close()
        end = End.OK if status < 300 else End.INFO if status >= 500 else End.FAIL
        try:
            return Answer(end, status, json.loads(text) if text else None)
        except ValueError:
            return Answer(end, status, text.decode(errors="replace"))

    def all_jobs(self) -> dict[str, dict[str, Any]] | None:
        """Every job by its name, page by page; ``None`` if one did not come."""
        found: dict[str, dict[str, Any]] = {}
        after = ""
        while True:
            told = self.ask("GET", f"/v1/chronos/jobs?limit=1000&after={after}")
            if told.end is not End.OK:
                return None
            found |= {job["name"]: job for job in told.body["jobs"]}
            after = told.body["after"] or ""
            if not after:
                return found

    def runs_of(self, job: str) -> tuple[list[dict[str, Any]], int] | None:
        """The newest runs of a job, and how many there are; ``None`` if they did not come."""
        told = self.ask("GET", f"/v1/chronos/jobs/{job}/runs?limit=1000")
        return (told.body["runs"], told.body["total"]) if told.end is End.OK else None
