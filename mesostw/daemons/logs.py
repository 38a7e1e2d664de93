"""Have a daemon log as its flags say, under ``twistd`` as anywhere."""

from __future__ import annotations

import os
import sys
from typing import IO

from twisted.application.service import IServiceCollection, MultiService
from twisted.logger import ILogObserver
from twisted.python import usage
from twisted.python.components import Componentized

from mesostw.daemons.options import FlagOptions
from mesostw.logging import Levels, log_to


class Daemon(MultiService):
    """What ``makeService`` returns: the daemon's services, and the way they log."""

    def __init__(self, options: FlagOptions) -> None:
        super().__init__()
        self.stream = log_stream(options)
        #: What is logged, which may be changed at any time.
        self.levels = Levels(options["logging_level"])
        self.observer = log_to(
            self.stream, as_json=options["log_format"] == "json", levels=self.levels
        )

    def setServiceParent(self, parent: IServiceCollection) -> None:
        """Join the application; ``twistd`` asks it for its observer before it starts."""
        if isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self.observer)
        super().setServiceParent(parent)


def log_stream(options: FlagOptions) -> IO[str]:
    """``twistd``'s ``--logfile``, for the owner's eyes only; else stdout."""
    name = options.parent.get("logfile") if options.parent is not None else None
    if not name or name == "-":
        return sys.stdout
    try:
        return os.fdopen(os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a")
    except OSError as fault:
        raise usage.UsageError(f"--logfile={name}: {fault.strerror}") from fault
