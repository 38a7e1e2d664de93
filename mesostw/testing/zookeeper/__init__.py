"""ZooKeeper for tests: a model in memory, and Debian's own server in a directory of its own."""
