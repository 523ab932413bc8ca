"""What the peers of the tests share: one line of JSON for each thing that happened, an end when the test is gone."""
import json
import os
import sys
import threading

_lock = threading.Lock()


def say(**what) -> None:
    """The first line says that the peer is ready, and where."""
    with _lock:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def heard():
    """Each line that the test writes, as JSON, until the test is gone."""
    for line in sys.stdin:
        yield json.loads(line)


def end_with_the_test() -> None:
    """Ends this process when the test closes its standard input, as it does when it dies too."""
    def watch():
        sys.stdin.read()
        os._exit(0)
    threading.Thread(target=watch, daemon=True).start()
