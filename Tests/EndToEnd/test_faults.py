"""The queue's promise under real faults: each job has exactly one effect outside, and none is lost or stuck.

Every scenario has a PostgreSQL server of its own to break, real workers and a ledger elsewhere. Each draws its choices
from a seed, which a test that fails shows; `WEIR_FAULT_SEED` sets it.
"""
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from databases import Database
from ledger import LEASE, Load, stop
from processes import wait_for
from servers import Server


@pytest.fixture
def make_load(binary: str, make_database: Callable[..., Database]) -> Iterator[Callable[..., Load]]:
    """`make_load(setting=…)`: a load on a server of its own with these settings."""
    loads: list[Load] = []
    servers: list[Server] = []

    def make(folder: Path | None = None, **settings: object) -> Load:
        servers.append(Server(folder, **settings))
        servers[-1].start()
        seed = os.environ.get("WEIR_FAULT_SEED")
        loads.append(Load(
            Path(binary).with_name("ledgerworker"), servers[-1], make_database("ledger"), int(seed) if seed else None))
        return loads[-1]

    make.loads = loads  # type: ignore[attr-defined]  # for the report of a test that fails
    yield make
    for load in loads:
        load.remove()
    for server in servers:
        server.remove()


def kill_at_random(load: Load, seconds: float, every: float = 0.15, *options: str) -> int:
    """Keeps four workers, one of which is killed again and again, until all jobs are done; how many were killed."""
    workers = [load.work(*options) for _ in range(4)]
    killed = 0
    deadline = time.monotonic() + seconds
    while load.left() > 0:
        assert time.monotonic() < deadline, f"{load.left()} jobs are left"
        time.sleep(every * load.dice.uniform(0.5, 1.5))
        victim = load.dice.randrange(len(workers))
        workers[victim].kill()
        killed += 1
        workers[victim] = load.work(*options)
    return killed


@pytest.mark.timeout(200)
def test_2000_jobs_have_one_effect_each_while_workers_are_killed(make_load: Callable[..., Load]) -> None:
    load = make_load()
    load.enqueue(2000)
    killed = kill_at_random(load, 150)
    assert load.faults(2000) == []
    assert killed > 30
    assert load.number("SELECT sum(losses) FROM weir.jobs") > 30, "workers die with jobs in hand"
    assert load.attempts() > 2000
    assert load.visits("repeated"), "some died between the effect and the word that it is done"


def test_without_the_fence_the_ledger_shows_double_effects_of_killed_workers(make_load: Callable[..., Load]) -> None:
    """The test of the test above."""
    load = make_load()
    load.enqueue(300)
    kill_at_random(load, 100, 0.15, "--no-fence")
    ordered = load.number("SELECT count(*) FROM weir.jobs WHERE payload ->> 'failuresAfter' = '1'")
    assert load.doubled() > ordered, "more than the attempts that fail by order"
    assert any("effects" in fault for fault in load.faults(300))


# Workers that stand still --------------------------------------------------------------------------------------------


def stop_past_the_lease(load: Load, *options: str) -> None:
    """Two workers with four jobs each are stopped, one just before its effects and one just after; a third takes over.
    Then they go on, and try what they had begun."""
    with load.gate() as gate:
        load.enqueue(4, "--hold", "before")
        before = load.work("--slots", "4", *options)
        wait_for(lambda: len(load.visits("held before")) == 4, 20, "four jobs before their effects")
        load.enqueue(4, "--hold", "after")
        after = load.work("--slots", "4", *options)
        wait_for(lambda: len(load.visits("held after")) == 4, 20, "four jobs after their effects")
        stop(before)
        stop(after)
        gate.open()
        load.work("--slots", "8", *options)
        load.finish(LEASE + 20)
    assert before.name not in {worker for _, _, worker, _ in load.visits("entered")}
    before.send(signal.SIGCONT)
    after.send(signal.SIGCONT)


def test_workers_stopped_past_their_lease_change_nothing_when_they_go_on(make_load: Callable[..., Load]) -> None:
    load = make_load()
    stop_past_the_lease(load)
    before, after, other = load.workers
    refused = wait_for(lambda: len(load.visits("refused")) == 4 and load.visits("refused"), 20, "four refusals")
    assert {worker for _, _, worker, _ in refused} == {before.name}
    assert {worker for _, _, worker, _ in load.visits("repeated")} == {other.name}, "of effects that were there"
    wait_for(lambda: load.log(after).count("lease_lost") == 4, 20, "four ends that are refused")
    wait_for(lambda: load.log(before).count("lease_lost") == 4, 20, "four jobs that are given up")
    assert load.server.rows("SELECT DISTINCT worker FROM weir.jobs") == [(other.name,)]
    assert load.number("SELECT sum(losses) FROM weir.jobs") == 8
    # They are as good as new.
    other.kill()
    load.enqueue(20)
    load.finish(20)
    assert load.faults(28) == []


def test_without_the_fence_workers_that_go_on_have_their_effects_again(make_load: Callable[..., Load]) -> None:
    """The test of the test above."""
    load = make_load()
    stop_past_the_lease(load, "--no-fence")
    wait_for(lambda: load.doubled() == 8, 20, "double effects")


# A server that goes away ---------------------------------------------------------------------------------------------


def test_workers_outlive_crashes_and_restarts_of_postgresql(make_load: Callable[..., Load]) -> None:
    """With fsync and synchronous_commit as PostgreSQL ships them: with fsync off an immediate stop may leave a cluster
    that is broken, with synchronous_commit off it forgets what it had said was done; then it would not be the queue
    that is tested."""
    load = make_load()
    assert load.server.rows("SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]
    workers = [load.work() for _ in range(4)]
    count = 0
    for mode in ("immediate", "fast", "immediate", "fast"):
        load.enqueue(200)
        count += 200
        done = load.done()
        wait_for(lambda: load.done() > done + load.dice.randrange(20, 120), 40, "some jobs done")
        load.server.restart(mode)
    load.finish(60)
    assert load.faults(count) == []
    assert all(worker.lives for worker in workers)


def test_workers_outlive_the_end_of_their_sessions(make_load: Callable[..., Load]) -> None:
    load = make_load()
    workers = [load.work() for _ in range(4)]
    load.enqueue(600)
    ended = 0
    deadline = time.monotonic() + 5
    with load.server.connect() as killer:
        while time.monotonic() < deadline:
            sessions = [row[0] for row in killer.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = 'weir_app' ORDER BY pid").fetchall()]
            if sessions:
                killer.execute("SELECT pg_terminate_backend(%s)", (load.dice.choice(sessions),))
                ended += 1
            time.sleep(0.05)
    load.finish(60)
    assert load.faults(600) == []
    assert ended > 40
    assert all(worker.lives for worker in workers)
