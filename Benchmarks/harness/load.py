"""Measures the server under many signed-in sessions, beside a running clone and a bare Hummingbird route."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

from .machine import commit, machine
from .processes import Failure, measure, tree
from .sessions import People, furnish, http
from .source import SourceServer, big
from .weirhouse import WeirServer, missing

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "Benchmarks" / "jobs" / "sessions.lua"
GOAL = 0.5


@dataclass
class Load:
    """What wrk found."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    most_ms: float
    not_200: int
    connect: int
    read: int
    write: int
    timeout: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def errors(self) -> int:
        return self.not_200 + self.connect + self.read + self.write + self.timeout

    @property
    def size(self) -> int:
        return self.bytes // max(self.requests, 1)


@dataclass
class Memory:
    """PSS in bytes of the server alone and of all of Weirhouse, at each moment."""

    server: list[int] = field(default_factory=list)
    all: list[int] = field(default_factory=list)


class Bare:
    """A bare Hummingbird route. Use it as a context."""

    def __init__(self, binary: Path, size: int) -> None:
        self.process = subprocess.Popen(
            [str(binary), str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def __enter__(self) -> "Bare":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Clones:
    """One clone after the other, as long as the context lasts."""

    def __init__(self, server: WeirServer, token: str, url: str) -> None:
        self.server, self.token, self.url = server, token, url
        self.done, self.failed = 0, ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._clone)

    def __enter__(self) -> "Clones":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _clone(self) -> None:
        try:
            while not self._stop.is_set():
                begun = http(self.server.address, "POST", "/api/v1/clones", self.token,
                             {"url": self.url, "source": "beside"})
                while not self._stop.wait(0.5):
                    run = http(self.server.address, "GET", f"/api/v1/runs/{begun['run_id']}", self.token)["run"]
                    if run["state"] in ("SUCCESS", "FAILED", "RETRYABLE", "CANCELLED"):
                        self.failed = self.failed or ("" if run["state"] == "SUCCESS" else f"a clone: {run}")
                        self.done += 1
                        break
        except OSError as error:
            self.failed = f"a clone: {error}"


def serve_pid(server: WeirServer) -> int:
    for pid in tree([server.process.pid], server.data):
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:2] == [b"serve"]:
                return pid
        except OSError:
            continue
    raise Failure("there is no `weir serve` below `weir up`")


def wrk(address: str, requests: Path, connections: int, seconds: float) -> Load:
    command = ["wrk", "--threads", "2", "--connections", str(connections), "--duration", f"{seconds:.0f}s",
               "--timeout", "20s", "--latency", "--script", str(SCRIPT), address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120,
                          env={**os.environ, "WEIR_LOAD_REQUESTS": str(requests)})
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise Failure(f"wrk: {done.stdout[-500:]} {done.stderr[-500:]}")
    return Load(**json.loads(lines[-1]))


def watched(server: WeirServer, work, every: float = 5.0) -> tuple[Load, Memory]:
    """The work's load, with the memory before, during and after it."""
    memory, over = Memory(), threading.Event()
    pid = serve_pid(server)

    def sample() -> None:
        memory.server.append(measure({pid}).total)
        memory.all.append(measure(tree([server.process.pid], server.data)).total)

    def watch() -> None:
        while not over.wait(every):
            sample()

    sample()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        load = work()
    finally:
        over.set()
        thread.join()
    sample()
    return load, memory


def profile(pid: int, seconds: float, folder: Path) -> threading.Thread:
    """perf of the server meanwhile; what takes the time stands in `folder` afterwards."""
    def record() -> None:
        data = folder / "load.perf"
        subprocess.run(["perf", "record", "-F", "199", "-g", "-p", str(pid), "-o", str(data), "--", "sleep",
                        f"{seconds:.0f}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name, options in (("self", ["--no-children"]), ("children", ["--children"])):
            said = subprocess.run(
                ["perf", "report", "-i", str(data), "--stdio", "-g", "none", "--percent-limit", "0.3", *options],
                capture_output=True, text=True)
            (folder / f"load-{name}.txt").write_text(said.stdout or said.stderr)

    thread = threading.Thread(target=record)
    thread.start()
    return thread


def run(options: argparse.Namespace, folder: Path) -> dict:
    source = SourceServer(os.environ["WEIR_TEST_POSTGRES"])
    dataset = big(options.rows)
    source.fill(dataset, REPOSITORY)
    with WeirServer(options.weir, folder / "data") as server:
        people = People(server, options.organizations, options.sessions)
        say(f"{options.organizations} organizations with dashboards")
        for organization in people.organizations:
            furnish(server, organization, source)
        kinds = people.requests()
        requests = written(folder / "requests", [each for kind in kinds.values() for each in kind])
        say(f"{options.sessions} sessions; warming up")
        warm = wrk(server.address, requests, options.sessions, options.seconds / 6)
        if warm.not_200:
            raise Failure(f"{warm.not_200} of {warm.requests} requests were not answered with 200")
        owner = people.organizations[0].token
        with Bare(options.bare, warm.size) as bare, Clones(server, owner, source.url(dataset.name)) as clones:
            rounds, memory, before = [], Memory(), [wrk(bare.address, requests, options.sessions, options.seconds / 2)]
            for number in range(options.rounds):
                say(f"round {number + 1} of {options.rounds}: {options.sessions} sessions, {options.seconds:.0f} s")
                perf = profile(serve_pid(server), options.seconds / 2, options.results) if options.profile else None
                load, seen = watched(server, lambda: wrk(server.address, requests, options.sessions, options.seconds))
                if perf is not None:
                    perf.join()
                memory.server += seen.server
                memory.all += seen.all
                rounds.append(load)
                before.append(wrk(bare.address, requests, options.sessions, options.seconds / 2))
        say("each kind of request by itself")
        alone = {kind: wrk(server.address, written(folder / "one-kind", each), options.sessions, options.seconds / 6)
                 for kind, each in kinds.items()}
        if clones.failed:
            raise Failure(clones.failed)
        if not clones.done:
            say("no clone came to its end beside the load")
    return {"rounds": rounds, "bare": before, "memory": memory, "clones": clones.done, "alone": alone}


def written(path: Path, requests: list[tuple[str, str, str]]) -> Path:
    path.write_text("".join(f"{address}\t{header}\t{value}\n" for address, header, value in requests))
    return path


def report(options: argparse.Namespace, found: dict) -> str:
    rounds, bare, memory = found["rounds"], found["bare"], found["memory"]
    ratios = [load.rate / statistics.mean([bare[at].rate, bare[at + 1].rate]) for at, load in enumerate(rounds)]
    ratio, errors = statistics.median(ratios), sum(load.errors for load in rounds)
    about = "\n".join(f"| {name} | {value} |" for name, value in {
        **machine(), "commit": commit(REPOSITORY), "day": datetime.date.today().isoformat()}.items())
    rows = "\n".join(
        f"| {name} | {load.rate:,.0f} | {load.p50_ms:,.0f} | {load.p99_ms:,.0f} | {load.most_ms:,.0f} | {load.errors} | "
        f"{load.size:,} |"
        for name, load in [("limit: a bare route", bare[0])] + [
            each for at, load in enumerate(rounds)
            for each in [("**Weirhouse**", load), ("limit: a bare route", bare[at + 1])]])
    kinds = "\n".join(
        f"| {kind} | {load.rate:,.0f} | {load.p50_ms:,.0f} | {load.p99_ms:,.0f} | {load.errors} | {load.size:,} |"
        for kind, load in found["alone"].items())
    errors += sum(load.errors for load in found["alone"].values())
    grown = memory.server[-1] / memory.server[0]
    return f"""# The server under load

Written by `make bench-load`; `Benchmarks/README.md` says how to do it again.

{options.sessions:,} signed-in sessions of {options.organizations} organizations read dashboards, charts and lists of runs,
each over a connection of its own, for {options.seconds:.0f} seconds, beside clones of {options.rows:,} rows, of which
{found["clones"]} came to their end meanwhile.

| goal | measured | |
|---|--:|---|
| no error | {errors} | {verdict(errors == 0)} |
| requests per second, as a ratio to a bare Hummingbird route of the same run ≥ {GOAL} | {ratio:.2f} | {verdict(ratio >= GOAL)} |
| memory of the server flat: the end to the beginning (within 1.2 ×) | {grown:.2f} × | {verdict(grown <= 1.2)} |

| | requests per second | p50, ms | p99, ms | longest, ms | errors | bytes per answer |
|---|--:|--:|--:|--:|--:|--:|
{rows}

| each kind by itself, without clones | requests per second | p50, ms | p99, ms | errors | bytes per answer |
|---|--:|--:|--:|--:|--:|
{kinds}

| memory, MiB | at the beginning | most | at the end |
|---|--:|--:|--:|
| the server | {mib(memory.server[0])} | {mib(max(memory.server))} | {mib(memory.server[-1])} |
| all of Weirhouse, with its PostgreSQL | {mib(memory.all[0])} | {mib(max(memory.all))} | {mib(memory.all[-1])} |

| machine | |
|---|---|
{about}

## How it was measured

- wrk with {options.sessions:,} connections and 2 threads (`Benchmarks/jobs/sessions.lua`), on the same machine as all
  else. Each request is another session's, round and round. Any answer but 200 is an error, also a redirection.
- Each session asks in turn for the list of dashboards, a dashboard, one of its charts' data, the list of runs, all as a
  browser with its cookie, and for the list of runs through the API with a token.
- The bare route (`Benchmarks/BareServer`) answers from memory with a body as long as Weirhouse's answers are on the
  average. It looks at no cookie, asks no database, and is measured before and after each round, beside the same clones.
- Memory is the proportional set size, once in five seconds.
"""


def verdict(met: bool) -> str:
    return "met" if met else "**not met**"


def mib(size: int) -> str:
    return f"{size / 2**20:,.0f}"


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="Benchmarks/run-load")
    parser.add_argument("--quick", action="store_true", help="a short try, which writes nothing")
    parser.add_argument("--weir", type=Path, default=REPOSITORY / ".build/release/weir")
    parser.add_argument("--bare", type=Path, default=REPOSITORY / ".build/release/bareserver")
    parser.add_argument("--profile", action="store_true", help="perf of the server, into Benchmarks/results")
    options = parser.parse_args()
    options.results = REPOSITORY / "Benchmarks" / "results"
    options.sessions, options.organizations, options.seconds, options.rounds, options.rows = (
        (100, 2, 6.0, 1, 20_000) if options.quick else (1_000, 8, 60.0, 3, 500_000))
    why = missing(options.weir) or (None if options.bare.exists() else "there is no bareserver; run make bench-load")
    if shutil.which("wrk") is None:
        why = "there is no wrk; run scripts/bootstrap --load"
    if why:
        raise SystemExit(f"bench: {why}.")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8_192)), hard))
    try:
        with tempfile.TemporaryDirectory(prefix="weirhouse-bench.") as folder:
            os.chmod(folder, 0o755)
            text = report(options, run(options, Path(folder)))
    except Failure as failure:
        raise SystemExit(f"bench: {failure}") from None
    if options.quick:
        print(text)
    else:
        (REPOSITORY / "docs" / "benchmarks-load.md").write_text(text)
        say("written: docs/benchmarks-load.md")


if __name__ == "__main__":
    main()
