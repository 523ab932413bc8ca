"""Weirhouse as a contestant: `weir up` once, then `weir clone` with a new source name each time."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from .contestants import Measured, quoted
from .processes import Failure, MemoryWatch, birth, run, tree
from .source import Dataset, SourceServer

START_LIMIT = 120.0


class WeirServer:
    """A running `weir up` with a data folder of its own. Use it as a context."""

    def __init__(self, binary: Path, data: Path) -> None:
        self.binary = binary
        self.data = data
        self.address = f"http://127.0.0.1:{free_port()}"
        self.process: subprocess.Popen | None = None
        self.started = 0.0

    def __enter__(self) -> "WeirServer":
        try:
            self.start()
            self.wait_for("/health/live")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        # An own set: a DATABASE_URL of the caller would replace the private cluster that is measured.
        kept = ("PATH", "HOME", "LANG", "WEIR_PYTHON_HOME", "LD_LIBRARY_PATH")
        return {**{key: os.environ[key] for key in kept if key in os.environ}, "WEIR_DATA": str(self.data)}

    def start(self) -> None:
        port = self.address.rpartition(":")[2]
        with (self.data.parent / f"{self.data.name}-up.log").open("ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                [str(self.binary), "up", "--data", str(self.data), "--port", port], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def wait_for(self, *paths: str) -> float:
        """Seconds from the start of the process until one of `paths` answers 200 (redirects are followed)."""
        while time.monotonic() - self.started < START_LIMIT:
            if self.process.poll() is not None:
                raise Failure(f"`weir up` ended with status {self.process.returncode}: {self._log_end()}")
            if any(self._answers(path) for path in paths):
                return time.monotonic() - self.started
            time.sleep(0.005)
        raise Failure(f"{' or '.join(paths)} did not answer 200 within {START_LIMIT:.0f} s of `weir up`")

    def _answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.address + path, timeout=5) as answer:
                answer.read()
                return answer.status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Asks it to end as Ctrl-C does; what is left after 30 s, of this tree alone, is killed."""
        if self.process is None:
            return
        members = {pid: birth(pid) for pid in tree([self.process.pid], self.data)}
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        left = [pid for pid, born in members.items() if born is not None and birth(pid) == born]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        if left:
            print(f"bench: `weir up` left {len(left)} processes behind; they were killed", file=sys.stderr)
        self.process = None

    def command(self, *arguments: str) -> list[str]:
        return [str(self.binary), *arguments]

    def output(self, *arguments: str, log: Path, limit: float = 120) -> str:
        return run(self.command(*arguments), environment=self.environment, log=log, limit=limit).stdout

    def sign_in_link(self, log: Path) -> str:
        said = self.output("sign-in-link", log=log)
        found = re.search(r"https?://\S+", said)
        if not found:
            raise Failure("`weir sign-in-link` printed no address")
        return found[0]

    def _log_end(self) -> str:
        log = self.data.parent / f"{self.data.name}-up.log"
        return " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])[-600:] or "it said nothing"


class Weirhouse:
    name, title, section = "weirhouse", "**Weirhouse** → encrypted DuckLake", None

    def __init__(self, server: WeirServer, source: SourceServer) -> None:
        self.server = server
        self.source = source
        self.clones = 0

    def load(self, dataset: Dataset, folder: Path, limit: float, watch: MemoryWatch | None) -> Measured:
        # A new name each time, so that nothing of an earlier clone can be reused.
        self.clones += 1
        name = f"round{self.clones}"
        command = self.server.command("clone", self.source.url(dataset.name), "--source", name,
                                      "--tables", dataset.table, "--json")
        if watch is not None:
            watch.roots.append(self.server.process.pid)
            watch.folder = self.server.data
        finished = run(command, environment=self.server.environment, log=folder / "load", limit=limit, watch=watch)
        receipt = json.loads(finished.stdout)
        unverified = [stream["name"] for stream in receipt["streams"] if not stream["verified"]]
        if unverified or not receipt["streams"]:
            raise Failure(f"streams not verified: {', '.join(unverified) or 'none was loaded'}")
        if receipt["load_seconds"] is None:
            raise Failure("the clone does not say how long loading took")
        rows, total = self._facts(dataset, name, folder)
        details = {"seconds": receipt["seconds"], "models": receipt.get("models")}
        shown = " ".join(quoted(word) for word in command)
        return Measured(finished.seconds, receipt["load_seconds"], rows, total, shown, details)

    def _facts(self, dataset: Dataset, name: str, folder: Path) -> tuple[int, float]:
        question = f"select count(*) as n, sum({dataset.summed}) as total from RAW.{name}__{dataset.table}"
        answer = self.server.output("query", question, "--format", "csv", log=folder / "facts")
        table = list(csv.reader(io.StringIO(answer)))
        if len(table) != 2:
            raise Failure("`weir query` did not give one row")
        return int(table[1][0]), float(table[1][1])


def missing(binary: Path) -> str | None:
    """Why Weirhouse cannot be measured, or None."""
    if os.access(binary, os.X_OK):
        return None
    return "there is no release binary; run `make build` first"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
