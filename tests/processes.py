"""Processes that the tests start: those of a cluster on this machine, and waiting for them."""

import json
import os
import socket
import subprocess
import sys
import time

LIMIT = 1800  # seconds, against a process that hangs for ever; no test is about speed


def addresses(count=2):
    """Addresses on this machine whose ports are free."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    found = [f"localhost:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return found


def task(index, workers=("localhost:1", "localhost:2")):
    """``TF_CONFIG`` of one of a cluster's workers."""
    return json.dumps({"cluster": {"worker": list(workers)}, "task": {"type": "worker", "index": index}})


def start(script, arguments, log, **environment):
    """A Python script in a process of its own, which writes its output to the file ``log``."""
    command = [sys.executable, str(script), *map(str, arguments)]
    with open(log, "w") as output:  # a pipe that is not read would fill, and stop the process
        return subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | environment)


def wait(processes):
    """Wait until all ``{log: process}`` have ended well, but for no process whose fellow has failed."""
    deadline = time.monotonic() + LIMIT
    try:
        while any(process.poll() is None for process in processes.values()):
            failed = [log for log, process in processes.items() if process.poll()]
            assert not failed, failed[0].read_text()[-3000:]
            assert time.monotonic() < deadline, f"still running after {LIMIT} s"
            time.sleep(0.1)
        for log, process in processes.items():
            assert process.returncode == 0, log.read_text()[-3000:]
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
