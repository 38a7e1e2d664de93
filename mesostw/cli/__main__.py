"""``python -m mesostw.cli`` is ``mesostw``."""

from mesostw.cli.main import main

main()
