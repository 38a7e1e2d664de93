"""The Mesosphere stack as one program on Twisted."""

from typing import Final

__version__: Final = "0.1.0"

#: The version of the Mesos APIs spoken here: what ``/version`` and a hello say.
API_VERSION: Final = "1.11.0"
