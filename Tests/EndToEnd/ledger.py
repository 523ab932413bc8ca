"""A queue under load whose jobs each have one effect in a ledger, on a server of its own, and its real workers
(Tests/Kits/LedgerWorker)."""
import os
import random
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from databases import Database
from processes import wait_for
from servers import Server

MIGRATIONS = Path(__file__).resolve().parents[2] / "Sources" / "Weirhouse" / "Migrations"

LEDGER = """
    CREATE TABLE effects (sequence bigint GENERATED ALWAYS AS IDENTITY, job_id uuid NOT NULL, fence bigint NOT NULL,
      worker text NOT NULL);
    CREATE TABLE border (job_id uuid PRIMARY KEY, fence bigint NOT NULL);
    CREATE TABLE visits (sequence bigint GENERATED ALWAYS AS IDENTITY, job_id uuid NOT NULL, fence bigint NOT NULL,
      worker text NOT NULL, what text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
"""
LEFT = "SELECT count(*) FROM weir.jobs WHERE state IN ('PENDING', 'RUNNING')"
STANDING = {
    "jobs": """
        SELECT state, waits, waits_for, count(*), min(run_after) - now(), max(run_after) - now(),
          min(lease_until) - now(), max(lease_until) - now(), max(losses), array_agg(DISTINCT worker)
        FROM weir.jobs WHERE state <> 'SUCCESS' GROUP BY 1, 2, 3""",
    "limits": "SELECT key, used, most, next_start FROM weir.limits WHERE used <> 0",
    "workers": "SELECT name, seen_at - now() FROM weir.workers",
    "sessions": """
        SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid), now() - state_change, query
        FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()""",
}
LEASE = 10
"""Seconds (`JobQueue.lease`)."""


class Worker:
    """One process, which may be killed, stopped and continued."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]):
        self.name = name
        self.process = process

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


class Gate:
    """Holds jobs back that were enqueued with `--hold`, while the context lasts or until `open`."""

    def __init__(self, ledger: Database):
        self._connection = ledger.connect()
        self._connection.execute("SELECT pg_advisory_lock(20261124)")

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def open(self) -> None:
        self._connection.close()


class Load:
    """A queue on `server`, its ledger, and whoever works on it."""

    def __init__(self, program: Path, server: Server, ledger: Database, seed: int | None = None):
        self.program = program
        self.server = server
        self.ledger = ledger
        self.ledger.execute(LEDGER)
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.dice = random.Random(self.seed)
        print(f"seed {self.seed}")  # shown when the test fails
        self.home = Path(tempfile.mkdtemp(prefix="weir-e2e-load-", dir="/tmp"))
        self.workers: list[Worker] = []
        self._count = 0
        server.execute(
            "CREATE ROLE weir_app LOGIN NOBYPASSRLS; CREATE ROLE weir_dispatch NOLOGIN NOBYPASSRLS")
        self._run("migrate", server.url, str(MIGRATIONS))

    # Processes

    def address(self, port: int | None = None) -> str:
        """As the application's role, which row-level security binds and reserved connections are closed to."""
        return self.server.address("weir_app:any", port=port)

    def _run(self, *arguments: str) -> None:
        done = subprocess.run([self.program, *arguments], capture_output=True, check=False, timeout=120, cwd="/")
        assert done.returncode == 0, done.stderr.decode()

    def enqueue(self, count: int, *options: str) -> None:
        self._run("enqueue", self.address(), str(count), str(self.dice.randrange(1 << 32)), *options)

    def work(self, *options: str, port: int | None = None, **environment: str) -> Worker:
        """Starts a worker; `port`: of a proxy before the queue's server."""
        self._count += 1
        name = f"w{self._count}"
        with (self.home / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [self.program, "work", self.address(port), self.ledger.url, "--name", name, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=os.environ | environment)
        self.workers.append(Worker(name, process))
        return self.workers[-1]

    def remove(self) -> None:
        for worker in self.workers:
            if worker.lives:
                worker.kill()
        for path in self.home.iterdir():
            path.unlink()
        self.home.rmdir()

    def log_tail(self, lines: int = 12) -> str:
        """Of the workers that live, or lived last; and how the queue stands."""
        shown = [worker for worker in self.workers if worker.lives][-4:] or self.workers[-4:]
        tails = [
            f"{worker.name}{'' if worker.lives else ' (ended)'}:\n" + "\n".join(self.log(worker).splitlines()[-lines:])
            for worker in shown]
        return "\n".join([f"seed {self.seed}", *tails, *self.standing()])

    def standing(self) -> Iterator[str]:
        """What is left to do, who works on it, and who waits for whom in the queue's server."""
        for title, sql in STANDING.items():
            try:
                found = self.server.rows(sql)
            except psycopg.Error as error:
                found = [(str(error),)]
            yield "\n  ".join([f"{title}:", *("  ".join(map(str, row)) for row in found)])

    def gate(self) -> "Gate":
        return Gate(self.ledger)

    def log(self, worker: Worker) -> str:
        return (self.home / f"{worker.name}.log").read_text(errors="replace")

    # What is known of the jobs

    def number(self, sql: str) -> int:
        return int(self.server.rows(sql)[0][0])

    def left(self) -> int:
        """Jobs that are not done, and will be."""
        return self.number(LEFT)

    def done(self) -> int:
        return self.number("SELECT count(*) FROM weir.jobs WHERE state = 'SUCCESS'")

    def finish(self, seconds: float) -> None:
        """Waits until nothing is left to do."""
        def over() -> bool:
            try:
                return self.left() == 0
            except psycopg.Error:
                return False

        wait_for(over, seconds, "the end of all jobs")

    def rescue(self, code: str) -> int:
        """Takes up again, as a person does, the runs that failed with this problem; how many."""
        return self.number(
            "SELECT count(weir.retry_run(run_id, NULL)) FROM weir.runs"
            f" WHERE state = 'RETRYABLE' AND problem ->> 'code' = '{code}'")

    def visits(self, what: str) -> list[tuple[str, int, str, float]]:
        """Job, fence, worker, time, in order."""
        return self.ledger.rows(
            "SELECT job_id::text, fence, worker, extract(epoch FROM at)::float8 FROM visits"
            f" WHERE what = '{what}' ORDER BY sequence")

    def doubled(self) -> int:
        """Jobs with more than one effect."""
        return self.ledger.rows(
            "SELECT count(*) FROM (SELECT FROM effects GROUP BY job_id HAVING count(*) > 1) d")[0][0]

    def attempts(self) -> int:
        """How often a job came to the border."""
        return self.ledger.rows(
            "SELECT count(*) FROM visits WHERE what IN ('entered', 'repeated', 'refused')")[0][0]

    def faults(self, count: int) -> list[str]:
        """What must not be when all is over; empty if all is well."""
        found = [
            f"{number} jobs are {state}" for state, number in self.server.rows(
                "SELECT state, count(*) FROM weir.jobs WHERE state <> 'SUCCESS' GROUP BY 1")]
        found += [
            f"{number} runs are {state}" for state, number in self.server.rows(
                "SELECT state, count(*) FROM weir.runs WHERE state <> 'SUCCESS' GROUP BY 1")]
        found += [
            f"the limit {key} has {used} in use" for key, used in self.server.rows(
                "SELECT key, used FROM weir.limits WHERE used <> 0")]
        found += [
            f"{circles} times sessions waited for each other" for circles, in self.server.rows(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database() AND deadlocks > 0")]
        jobs = {row[0] for row in self.server.rows("SELECT job_id::text FROM weir.jobs")}
        if len(jobs) != count:
            found.append(f"there are {len(jobs)} jobs, not {count}")
        effects: dict[str, list[int]] = {}
        for job, sequence in self.ledger.rows("SELECT job_id::text, sequence FROM effects ORDER BY sequence"):
            effects.setdefault(job, []).append(sequence)
        found += [f"job {job} has no effect" for job in jobs - effects.keys()]
        found += [f"an effect of no job: {job}" for job in effects.keys() - jobs]
        found += [f"job {job} has {len(each)} effects" for job, each in effects.items() if len(each) > 1]
        found += [
            f"job {job} had its effect before that of {before}, which it comes after"
            for job, before in self.server.rows("SELECT job_id::text, predecessor_id::text FROM weir.job_predecessors")
            if job in effects and before in effects and effects[job][0] < effects[before][0]]
        return found
