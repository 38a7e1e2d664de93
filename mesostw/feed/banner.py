"""What a framework's page says of the daemon itself."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class FrameworkBanner:
    """What the one row of ``chronos``, or of ``marathon``, says that no change does."""

    name: str
    #: The ``host:port`` that answers the API.
    leader: str
    version: str
    #: In wall seconds.
    started: float
