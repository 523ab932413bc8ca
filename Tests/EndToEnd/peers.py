"""Third-party servers that tests talk to: the scripts of Tests/Kits/Peers, each on a free port of this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from processes import wait_for

SCRIPTS = Path(__file__).resolve().parents[1] / "Kits" / "Peers" / "Scripts"


class Peer:
    """A script that says in one line of JSON each what happens to it; the first line says where it listens."""

    def __init__(self, script: str, *arguments: str):
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(SCRIPTS / script), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        assert self.process.stdout is not None
        self.started: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.heard: list[dict[str, Any]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def port(self) -> int:
        return self.started["port"]

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.heard.append(json.loads(line))

    def wait_for(self, count: int, seconds: float = 30) -> list[dict[str, Any]]:
        return wait_for(lambda: len(self.heard) >= count and list(self.heard), seconds, f"{count} messages")

    def end(self) -> None:
        """The script ends when its standard input closes."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
