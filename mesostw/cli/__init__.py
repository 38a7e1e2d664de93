"""The ``mesostw`` command: what a person types."""
