"""The nouns: values and arithmetic that every other layer speaks in; nothing of I/O or time."""
