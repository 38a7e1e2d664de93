"""
A small HTTP server to be run as an app: it says who it is, and writes down that it runs.

    python -S -E servant.py RUNS

It answers 503 until it has warmed up, as real servers do, and for ever with ``SICK`` in its
environment; so who takes it for a server as soon as it runs is found out.  Each process
adds one line to the file of its task in RUNS: a task that is run twice has two.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time

#: From the beginning of the process, in seconds.
WARM_UP_S = 0.4


def main(runs: str) -> None:
    """Serve until killed."""
    task = os.environ["MESOS_TASK_ID"]
    began = time.monotonic()
    line = {"task": task, "pid": os.getpid(), "born": began}
    line["version"] = os.environ.get("MARATHON_APP_VERSION", "")
    with open(os.path.join(runs, task), "a") as file:
        file.write(json.dumps(line) + "\n")
    server = socket.create_server(("", int(os.environ["PORT0"])), backlog=64)
    is_sick = "SICK" in os.environ
    while True:
        link, _ = server.accept()
        serves = not is_sick and time.monotonic() > began + WARM_UP_S
        status = "200 OK" if serves else "503 Service Unavailable"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(task)}\r\nConnection: close\r\n\r\n"
        try:
            link.settimeout(1.0)
            link.recv(4096)
            link.sendall((head + task).encode())
        except OSError:
            pass  # who asked is gone
        link.close()


if __name__ == "__main__":
    main(sys.argv[1])
