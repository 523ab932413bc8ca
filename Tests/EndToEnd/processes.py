"""Processes of one house: found by what the system knows of them, ended by their ids."""
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


def wait_for(condition: Callable[[], Value], seconds: float = 30, what: str = "it") -> Value:
    """Asks again and again until the answer is true, and gives that answer. What it raises counts as no answer yet."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = condition()
            if last:
                return last
        except (OSError, AssertionError, LookupError, ValueError) as error:
            last = error
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for {what}; last: {last!r}")


def read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def of_folder(folder: Path) -> set[int]:
    """Every live process that works for this data folder, however it was orphaned: Weirhouse's parts have the folder in
    their environment, PostgreSQL's processes stand in it, dbt's have it in their arguments or environment."""
    mark = os.fsencode(folder)
    found = set()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        base = f"/proc/{name}"
        try:
            where = os.fsencode(os.readlink(f"{base}/cwd"))
        except OSError:
            where = b""
        held = where == mark or where.startswith(mark + b"/")
        if held or mark in read(f"{base}/environ") or mark in read(f"{base}/cmdline"):
            if not is_gone(int(name)):
                found.add(int(name))
    return found


def is_gone(pid: int) -> bool:
    """Dead, or dead and not yet waited for by its parent."""
    status = read(f"/proc/{pid}/stat")
    return not status or status.rpartition(b")")[2].split()[0] in (b"Z", b"X")


def command(pid: int) -> str:
    return read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def stop(pid: int) -> None:
    """SIGSTOP; returns when all its threads stand."""
    os.kill(pid, signal.SIGSTOP)

    def stands() -> bool:
        stats = [read(str(task / "stat")) for task in Path(f"/proc/{pid}/task").iterdir()]
        return all(stat.rpartition(b")")[2].split()[0] == b"T" for stat in stats)

    wait_for(stands, 5, "the stop of a process")


def kill_all(folder: Path) -> None:
    """`kill -9` of all of them, stopped first so that none can start another or tidy up meanwhile."""
    stopped: set[int] = set()
    while new := of_folder(folder) - stopped:
        send(new, signal.SIGSTOP)
        stopped |= new
    send(stopped, signal.SIGKILL)
    wait_for(lambda: all(is_gone(pid) for pid in stopped), 20, "the end of what was killed")
