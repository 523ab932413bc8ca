"""Measures the queue beside procrastinate and the limit: pgbench with the same statement."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from .environments import Environments
from .machine import commit, machine
from .source import SourceServer

REPOSITORY = Path(__file__).resolve().parents[2]
LOAD = REPOSITORY / ".build" / "release" / "jobload"
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"
ROLES = """
do $$ begin create role weir_app login nobypassrls; exception when duplicate_object then null; end $$;
do $$ begin create role weir_dispatch nologin nobypassrls; exception when duplicate_object then null; end $$;
"""
# A turn of a worker with one slot and a handler that does nothing: ends its job and claims the next, in one statement.
TURN = """select job_id as job, fence
from weir.end_and_claim(array[:job]::uuid[], array[:fence]::bigint[], '{1}'::jsonb[], '{noop}'::text[], '{1}'::int[],
  '{null}'::float8[], null::uuid[], 'pgbench', '10 s'::interval, 1, 'pgbench', false) where what = 'claimed' \\gset
"""
TURN_MILLISECONDS = 50
FIRST = ["--define", "job=00000000-0000-0000-0000-000000000000", "--define", "fence=0"]
# Runs that are over, runs whose job waits for another, and runs whose job is ready; as the triggers would have left them.
HISTORY = """
set session_replication_role = replica;
insert into weir.runs (run_id, organization_id, kind, environment, source, state, finished_at)
  select gen_random_uuid(), organization_id, 'old', 'dev', 'none', 'SUCCESS', now()
  from weir.organizations, generate_series(1, {finished});
insert into weir.jobs (job_id, organization_id, run_id, position, kind, payload, state, finished_at, fence)
  select gen_random_uuid(), organization_id, run_id, 0, 'noop', '1', 'SUCCESS', now(), 0
  from weir.runs where kind = 'old';
insert into weir.runs (run_id, organization_id, kind, environment, source)
  select gen_random_uuid(), organization_id, 'waiting', 'dev', 'none'
  from weir.organizations, generate_series(1, {waiting});
insert into weir.jobs (job_id, organization_id, run_id, position, kind, payload, waits, blocked_by)
  select gen_random_uuid(), organization_id, run_id, 0, 'noop', '1', 'predecessors', 1
  from weir.runs where kind = 'waiting';
insert into weir.runs (run_id, organization_id, kind, environment, source)
  select gen_random_uuid(), organization_id, 'ready', 'dev', 'none'
  from weir.organizations, generate_series(1, {ready});
insert into weir.jobs (job_id, organization_id, run_id, position, kind, payload)
  select gen_random_uuid(), organization_id, run_id, 0, 'noop', '1' from weir.runs where kind = 'ready';
vacuum analyze;
"""


class Queues:
    """Fresh databases with a queue in them."""

    def __init__(self, server: SourceServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.script = folder / "turn.sql"
        self.script.write_text(TURN)
        self.number = 0

    def make(self) -> str:
        self.number += 1
        name = f"queue_{self.number}"
        self.server.create_database(name)
        self.server.sql(name, ROLES)
        call(str(LOAD), "migrate", self.server.url(name), str(REPOSITORY / "Sources/Weirhouse/Migrations"))
        call(str(LOAD), "enqueue", self.server.url(name), "0")
        return name

    def as_application(self, name: str) -> str:
        """Bound by row-level security, as Weirhouse is."""
        return self.server.url(name) + "?options=-crole%3Dweir_app"

    def fill(self, name: str, count: int) -> None:
        call(str(LOAD), "enqueue", self.server.url(name), str(count))

    def drop(self, name: str) -> None:
        self.server.drop_database(name)

    def throughput(self, count: int, workers: int, slots: int) -> float:
        name = self.make()
        self.fill(name, count)
        found = figures(str(LOAD), "throughput", self.as_application(name), count, workers, slots)
        self.drop(name)
        return found["per_second"]

    def limit(self, count: int, clients: int) -> float:
        name = self.make()
        self.fill(name, count)
        rate = self.pgbench(name, clients, count)
        self.drop(name)
        return rate

    def pgbench(self, name: str, clients: int, count: int) -> float:
        """Turns per second."""
        for old in self.folder.glob("log.*"):
            old.unlink()
        call(PGBENCH, "--no-vacuum", "--protocol", "prepared", *FIRST, "--file", str(self.script), "--client",
             str(clients), "--jobs", "2", "--transactions", str(count // clients), "--log", "--log-prefix",
             str(self.folder / "log"), self.as_application(name))
        return middle_rate([int(line.split()[4]) + int(line.split()[5]) / 1e6
                            for log in self.folder.glob("log.*") for line in log.read_text().splitlines()])

    def latency(self, rate: int, seconds: int, workers: int, slots: int) -> dict[str, float]:
        name = self.make()
        found = figures(str(LOAD), "latency", self.as_application(name), rate, seconds, workers, slots)
        self.drop(name)
        return found

    def fairness(self, waiting: int, milliseconds: int) -> dict[str, float]:
        name = self.make()
        found = figures(str(LOAD), "fairness", self.as_application(name), waiting, milliseconds, 2, 4)
        self.drop(name)
        return found

    def milliseconds_per_job(self, finished: int, waiting: int, ready: int, count: int) -> float:
        name = self.make()
        self.server.sql(name, HISTORY.format(finished=finished, waiting=waiting, ready=ready))
        self.fill(name, count)
        rate = self.pgbench(name, 1, count)
        self.drop(name)
        return 1000 / rate


class Procrastinate:
    def __init__(self, server: SourceServer, environments: Environments) -> None:
        self.server = server
        self.python = environments.python("procrastinate")
        self.script = str(REPOSITORY / "Benchmarks" / "jobs" / "jobs_procrastinate.py")

    def _run(self, *arguments: object) -> dict[str, float]:
        self.server.create_database("procrastinate")
        found = figures(self.python, self.script, arguments[0], self.server.url("procrastinate"), *arguments[1:])
        self.server.drop_database("procrastinate")
        return found

    def throughput(self, count: int, concurrency: int) -> float:
        return self._run("throughput", count, concurrency)["per_second"]

    def latency(self, rate: int, seconds: int) -> dict[str, float]:
        return self._run("latency", rate, seconds, 16)


def call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"bench: {Path(command[0]).name} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def figures(*command: object) -> dict[str, float]:
    return json.loads(call(*map(str, command)).splitlines()[-1])


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def middle_rate(moments: list[float]) -> float:
    """Jobs per second from 30 to 95 of a hundred: neither while clients begin nor while they run out of work."""
    moments.sort()
    first, last = len(moments) * 30 // 100, len(moments) * 95 // 100
    return (last - first) / (moments[last] - moments[first])


def span(values: list[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def measure(options: argparse.Namespace, queues: Queues, peer: Procrastinate) -> dict[str, object]:
    count, rounds = options.jobs, options.rounds
    rates: dict[str, list[float]] = {"weirhouse": [], "fifty": [], "limit": [], "limit50": [], "procrastinate": []}
    for number in range(rounds):
        rates["weirhouse"].append(queues.throughput(count, 2, 8))
        rates["limit"].append(queues.limit(count, 16))
        rates["fifty"].append(queues.throughput(count, 50, 1))
        rates["limit50"].append(queues.limit(count, 50))
        rates["procrastinate"].append(peer.throughput(count // 5, 16))
        say(f"round {number + 1}/{rounds}: " + ", ".join(f"{name} {found[-1]:,.0f}/s" for name, found in rates.items()))
    half = {name: max(1, int(statistics.median(rates[name]) / 2)) for name in ("weirhouse", "fifty", "procrastinate")}
    latencies = {
        "weirhouse": queues.latency(half["weirhouse"], options.seconds, 2, 8),
        "fifty": queues.latency(half["fifty"], options.seconds, 50, 1),
        "procrastinate": peer.latency(half["procrastinate"], options.seconds),
    }
    say(f"latency at {half}: {latencies}")
    fairness = queues.fairness(1_000 if options.quick else 10_000, TURN_MILLISECONDS)
    say(f"fairness: {fairness}")
    sizes = [(1_000_000, 0, 0), (1_000_000, 100_000, 0), (1_000_000, 100_000, 100_000)]
    if options.quick:
        sizes = [(10_000, 1_000, 1_000)]
    costs = []
    for finished, waiting, ready in sizes:
        small = queues.milliseconds_per_job(1_000, 0, 0, min(count, 5_000))
        cost = queues.milliseconds_per_job(finished, waiting, ready, min(count, 5_000))
        costs.append((finished, waiting, ready, cost, small))
        say(f"cost with {finished:,} finished, {waiting:,} waiting, {ready:,} ready: {cost:.3f} ms; small: {small:.3f} ms")
    return {"rates": rates, "half": half, "latencies": latencies, "costs": costs, "fairness": fairness}


def ratio(of: list[float], to: list[float]) -> float:
    """Median of the rounds': what runs in the same minute is compared."""
    return statistics.median(a / b for a, b in zip(of, to))


def verdict(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


def report(found: dict, options: argparse.Namespace, environments: Environments, server: SourceServer) -> str:
    rates = found["rates"]
    of_limit, of_limit50 = ratio(rates["weirhouse"], rates["limit"]), ratio(rates["fifty"], rates["limit50"])
    of_peer = ratio(rates["weirhouse"], rates["procrastinate"])
    ours, fifty, theirs = (found["latencies"][name] for name in ("weirhouse", "fifty", "procrastinate"))
    fair = found["fairness"]
    growth = max(cost / small for *_, cost, small in found["costs"])
    rows = "\n".join(
        f"| {a:,} | {b:,} | {c:,} | {cost:.3f} | {small:.3f} | {cost / small:.2f} |"
        for a, b, c, cost, small in found["costs"])
    about = "\n".join(f"| {name} | {value} |" for name, value in machine().items())
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return f"""# Benchmarks of the queue

Written by `make bench-jobs` on {now}; do not edit. All figures come from one run on one machine, medians of
{options.rounds} (smallest–largest). Commit {commit(REPOSITORY)}, PostgreSQL {server.version()},
procrastinate {environments.version("procrastinate", "procrastinate")}.

| goal | measured | met |
|---|---|---|
| 0.7 of the limit's transactions or more, 16 at once | {of_limit:.2f} | {verdict(of_limit >= 0.7)} |
| the same with 50 workers on one queue | {of_limit50:.2f} | {verdict(of_limit50 >= 0.7)} |
| 5 × procrastinate's throughput or more | {of_peer:.1f} × | {verdict(of_peer >= 5)} |
| start within 10 ms (p50) at half load | {ours["p50_ms"]:.1f} ms | {verdict(ours["p50_ms"] < 10)} |
| start within 50 ms (p99) at half load | {ours["p99_ms"]:.1f} ms | {verdict(ours["p99_ms"] < 50)} |
| the same with 50 workers (p50, p99) | {fifty["p50_ms"]:.1f}, {fifty["p99_ms"]:.1f} ms | {verdict(fifty["p50_ms"] < 10 and fifty["p99_ms"] < 50)} |
| an organization with 10,000 waiting jobs delays another's by a slot's turn of {TURN_MILLISECONDS} ms at most | {fair["p99_ms"]:.0f} ms (p99) | {verdict(fair["p99_ms"] <= 1.2 * TURN_MILLISECONDS)} |
| dequeue cost flat (within 1.2 ×) | {growth:.2f} × | {verdict(growth <= 1.2)} |

| {options.jobs:,} jobs that do nothing | jobs per second | × limit |
|---|--:|--:|
| limit: pgbench, 16 connections | {span(rates["limit"])} | 1.00 |
| **Weirhouse**, 2 workers with 8 slots each | {span(rates["weirhouse"])} | {of_limit:.2f} |
| limit: pgbench, 50 connections | {span(rates["limit50"])} | {ratio(rates["limit50"], rates["limit"]):.2f} |
| **Weirhouse**, 50 workers with one slot each | {span(rates["fifty"])} | {ratio(rates["fifty"], rates["limit"]):.2f} |
| procrastinate, one worker, 16 at once ({options.jobs // 5:,} jobs) | {span(rates["procrastinate"])} | {ratio(rates["procrastinate"], rates["limit"]):.2f} |

| from enqueueing to the handler's start, at half of its own throughput | jobs per second | p50, ms | p99, ms |
|---|--:|--:|--:|
| **Weirhouse**, 2 workers with 8 slots each | {found["half"]["weirhouse"]:,} | {ours["p50_ms"]:.1f} | {ours["p99_ms"]:.1f} |
| **Weirhouse**, 50 workers with one slot each | {found["half"]["fifty"]:,} | {fifty["p50_ms"]:.1f} | {fifty["p99_ms"]:.1f} |
| procrastinate | {found["half"]["procrastinate"]:,} | {theirs["p50_ms"]:.1f} | {theirs["p99_ms"]:.1f} |

| a lone job's wait while another organization has 10,000 waiting, all slots taken | ms |
|---|--:|
| p50 | {fair["p50_ms"]:.0f} |
| p99 | {fair["p99_ms"]:.0f} |
| longest | {fair["most_ms"]:.0f} |

| finished jobs | waiting for others | ready | one turn, ms | just before, with 1,000 finished only, ms | × |
|--:|--:|--:|--:|--:|--:|
{rows}

| machine | |
|---|---|
{about}

## How it was measured

- PostgreSQL, its clients and the workers share the machine. PostgreSQL flushes nothing to disk, for all alike: what is
  compared is the queues, not the disk.
- The limit is pgbench with a worker's statement, which ends a job and claims the next, prepared, as the same role.
  Weirhouse ends and claims as many jobs at once as it can, so it may pass the limit. With one slot each it cannot.
- Jobs are made before the clock starts; a job is a run of its own. procrastinate gets a fifth of them, with its defaults.
- Rates are those from 30 to 95 of a hundred jobs: not while clients connect, nor while they run out of work. × is the
  median of the rounds' own ratios.
- A lone job: two workers with four slots each, all jobs take {TURN_MILLISECONDS} ms; 200 jobs of the small organization,
  one after the other.
- `Benchmarks/JobLoad` drives Weirhouse's own `Worker`; `Benchmarks/jobs/jobs_procrastinate.py` procrastinate's.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="Benchmarks/run-jobs")
    parser.add_argument("--quick", action="store_true", help="a short try, which writes nothing")
    options = parser.parse_args()
    options.jobs, options.rounds, options.seconds = (1_000, 1, 2) if options.quick else (20_000, 5, 15)
    if not LOAD.exists():
        raise SystemExit("bench: there is no .build/release/jobload; run make bench-jobs.")
    environments = Environments(REPOSITORY)
    environments.prepare({"procrastinate"}, say)
    server = SourceServer(os.environ["WEIR_TEST_POSTGRES"])
    with tempfile.TemporaryDirectory(prefix="weirhouse-bench.") as folder:
        found = measure(options, Queues(server, Path(folder)), Procrastinate(server, environments))
    text = report(found, options, environments, server)
    if options.quick:
        print(text)
    else:
        (REPOSITORY / "docs" / "benchmarks-jobs.md").write_text(text)
        say("written: docs/benchmarks-jobs.md")


if __name__ == "__main__":
    main()
