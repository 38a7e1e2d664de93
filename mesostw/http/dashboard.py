"""The dashboard's built files, as they lie in the package."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import Final

from twisted.web.resource import Resource
from twisted.web.server import Request

from mesostw.http.rendering import Reply, query_of, write

WEBFILES: Final = Path(__file__).resolve().parent.parent / "webfiles"
#: Scripts and styles of this origin only, and nobody may frame the page.
POLICY: Final = (
    "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'"
)
#: A name that changes with its content: ``app-B3xz81_q.js``.
_HASHED: Final = re.compile(r"[-.][\w-]{8,}\.[a-z0-9]+$")
FILES_MAX: Final = 500
_MISSING: Final = (
    "The dashboard is not built. `npm ci && npm run build` in `web/` builds it; "
    "the API answers as it is.\n"
)


class Dashboard(Resource):
    """
    ``/`` and all below it that the build made; read once, served from memory.

    Routes of the page are behind ``#``, so ``/`` is the only page there is.

    :param prefix: the first word of its paths, if it is not at the root: ``ui``.
    :param served_by: the framework whose site this is; the page asks it instead of a master.
    """

    def __init__(self, directory: Path = WEBFILES, prefix: str = "", served_by: str = "") -> None:
        super().__init__()
        self.isLeaf = True
        self._prefix = prefix
        self._files: dict[str, bytes] = {}
        found = sorted(directory.rglob("*")) if directory.is_dir() else []
        for path in [one for one in found if one.is_file()][:FILES_MAX]:
            self._files[path.relative_to(directory).as_posix()] = path.read_bytes()
        if served_by and "index.html" in self._files:
            named = f'<html data-served-by="{served_by}"'.encode()
            self._files["index.html"] = self._files["index.html"].replace(b"<html", named, 1)

    @property
    def names(self) -> tuple[str, ...]:
        """Every file there is, ``assets/...`` and ``index.html``."""
        return tuple(self._files)

    def render_GET(self, request: Request) -> bytes | int:
        query = query_of(request)
        path = request.path.decode("utf-8", "replace").lstrip("/")
        if self._prefix and path == self._prefix:
            # The page names its files relative to itself.
            return write(request, query, Reply(status=302, headers={"Location": f"{path}/"}))
        name = path.removeprefix(self._prefix).strip("/") or "index.html"
        body = self._files.get(name)
        if body is None:
            text = _MISSING if name == "index.html" else ""
            return write(request, query, Reply(text.encode(), "text/plain", 404))
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind.startswith("text/"):
            kind += "; charset=utf-8"
        lasting = "public, max-age=31536000, immutable" if _HASHED.search(name) else "no-cache"
        headers = {
            "Cache-Control": lasting,
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        }
        packed = self._files.get(name + ".gz")
        if packed is not None:
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in (query.headers("accept-encoding") or ""):
                headers["Content-Encoding"] = "gzip"
                body = packed
        return write(request, query, Reply(body, kind, headers=headers))
