"""Running a command to its end, and the memory of a tree of processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

ANSI = re.compile(r"\x1b\[[0-9;]*m")
SAMPLE_SECONDS = 0.05


class Failure(Exception):
    """A tool did not do what was asked; the message is one line."""


@dataclass
class Finished:
    seconds: float
    stdout: str
    stderr: str


def run(command: list[str], *, environment: dict[str, str], log: Path, limit: float,
        watch: "MemoryWatch | None" = None) -> Finished:
    """Runs `command` in a session of its own and waits for it. Raises Failure on another status than 0 or after
    `limit` seconds. Memory is watched while it runs."""
    out, err = log.with_suffix(".out"), log.with_suffix(".err")
    with out.open("wb") as stdout, err.open("wb") as stderr, watch or nullcontext():
        started = time.monotonic()
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                   cwd=log.parent, start_new_session=True)
        if watch is not None:
            watch.roots.append(process.pid)
        try:
            status = process.wait(timeout=limit)
            seconds = time.monotonic() - started
        except BaseException as reason:
            # Also on Ctrl-C, which does not reach a session of its own.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(reason, subprocess.TimeoutExpired):
                raise Failure(f"did not end within {limit:.0f} s") from None
            raise
    finished = Finished(seconds, out.read_text(errors="replace"), err.read_text(errors="replace"))
    if status != 0:
        raise Failure(f"exit status {status}: {last_words(finished)}")
    return finished


def last_words(finished: Finished) -> str:
    """The end of what a command said, as one line."""
    text = finished.stderr.strip() or finished.stdout.strip()
    lines = [line.strip() for line in ANSI.sub("", text).splitlines() if line.strip()]
    return " / ".join(lines[-4:])[-600:] or "it said nothing"


@dataclass(frozen=True)
class Sample:
    total: int
    by_name: dict[str, int]


@dataclass
class MemoryWatch:
    """Samples the proportional set size (PSS: shared pages are divided among those who share them) of the processes
    under `roots`, and of those whose working folder lies under `folder` (a PostgreSQL server that left the tree)."""

    roots: list[int] = field(default_factory=list)
    folder: Path | None = None
    peak: Sample = Sample(0, {})
    samples: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "MemoryWatch":
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            began = time.monotonic()
            sample = measure(tree(self.roots, self.folder))
            self.samples += 1
            if sample.total > self.peak.total:
                self.peak = sample
            if self._stop.wait(max(0.0, SAMPLE_SECONDS - (time.monotonic() - began))):
                return


def tree(roots: list[int], folder: Path | None = None) -> set[int]:
    """The processes `roots`, all below them, and all that work under `folder`."""
    parents = {pid: parent for pid in processes() if (parent := parent_of(pid)) is not None}
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    pending = [root for root in roots if root in parents]
    if folder is not None:
        pending += [pid for pid in parents if works_under(pid, folder)]
    found: set[int] = set()
    while pending:
        pid = pending.pop()
        if pid not in found:
            found.add(pid)
            pending += children.get(pid, [])
    return found - {os.getpid()}


def processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def parent_of(pid: int) -> int | None:
    fields = stat(pid)
    return int(fields[1]) if fields else None


def birth(pid: int) -> int | None:
    """Clock ticks from the machine's start to the process's; with the id, it names one process for good."""
    fields = stat(pid)
    return int(fields[19]) if fields else None


def stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the state on; empty if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may hold spaces.
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def works_under(pid: int, folder: Path) -> bool:
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(folder)
    except OSError:
        return False


def measure(pids: set[int]) -> Sample:
    """PSS in bytes, together and by name. A process that ends meanwhile counts nothing."""
    by_name: dict[str, int] = {}
    for pid in pids:
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        if found:
            by_name[name] = by_name.get(name, 0) + int(found[1]) * 1024
    return Sample(sum(by_name.values()), by_name)
