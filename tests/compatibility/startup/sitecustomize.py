"""
Names that ``collections`` had until Python 3.10, for programs written before.

The PyPI package ``marathon`` uses them and runs unmodified with this directory on
``PYTHONPATH``.
"""

import collections
import collections.abc

for _name in ("Callable", "Iterable", "Mapping", "MutableMapping", "Sequence"):
    if not hasattr(collections, _name):
        setattr(collections, _name, getattr(collections.abc, _name))
