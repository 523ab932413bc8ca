"""The queue's promise under real faults: each job has exactly one effect outside, and none is lost or stuck.

Every scenario has a PostgreSQL server of its own to break, real workers and a ledger elsewhere. Each draws its choices
from a seed, which a test that fails shows; `WEIR_FAULT_SEED` sets it.
"""
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from clocks import DAY, Clock
from databases import Database
from disks import fill
from ledger import LEASE, LEFT, Load
from processes import stop, wait_for
from proxies import Proxy
from servers import Server


@pytest.fixture
def make_load(binary: str, make_database: Callable[..., Database]) -> Iterator[Callable[..., Load]]:
    """`make_load(setting=…)`: a load on a server of its own with these settings."""
    loads: list[Load] = []
    servers: list[Server] = []

    def make(folder: Path | None = None, environment: dict[str, str] | None = None, **settings: object) -> Load:
        servers.append(Server(folder, environment, **settings))
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


@pytest.fixture
def make_clock() -> Iterator[Callable[[], Clock]]:
    clocks: list[Clock] = []

    def make() -> Clock:
        clocks.append(Clock())
        return clocks[-1]

    yield make
    for clock in clocks:
        clock.remove()


# Workers that die ----------------------------------------------------------------------------------------------------


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
        stop(before.process.pid)
        stop(after.process.pid)
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
    wait_for(lambda: load.log(after).count(" failed: ") == 4, 20, "four ends that are refused")
    wait_for(lambda: load.log(before).count(" failed: ") == 4, 20, "four jobs that are given up")
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


HELD = f"""
    SELECT count(*) FROM weir.jobs WHERE state = 'RUNNING' AND payload ->> 'hold' IS NOT NULL
      AND clock_timestamp() > started_at + interval '{LEASE + 2} seconds'
"""
"""Jobs at the gate for longer than a lease: their heartbeats have come through."""


def test_no_lease_is_lost_while_the_server_takes_no_more_connections(make_load: Callable[..., Load]) -> None:
    """Workers want 27 connections; the server has 17 for them, and somebody else takes each that is left."""
    load = make_load(max_connections=20, superuser_reserved_connections=3)
    with load.gate() as gate, load.server.connect() as watcher:
        load.enqueue(3, "--hold", "before")
        load.enqueue(400)
        workers = [load.work("--slots", "8") for _ in range(3)]
        wait_for(lambda: len(load.visits("held before")) == 3, 20, "three jobs at the gate")
        taken: list[psycopg.Connection] = []
        refusals: list[str] = []

        def crowd() -> bool:
            try:
                taken.append(psycopg.connect(load.address()))
            except psycopg.OperationalError as error:
                refusals.append(str(error))
            return watcher.execute(HELD).fetchone() == (3,)

        wait_for(crowd, LEASE + 20, "heartbeats")
        assert len([refusal for refusal in refusals if "connection" in refusal]) > 10, "the server was full"
        for connection in taken:
            connection.close()
        gate.open()
        wait_for(lambda: watcher.execute(LEFT).fetchone() == (0,), 30, "the end of all jobs")
    assert load.faults(403) == []
    assert load.number("SELECT sum(losses) FROM weir.jobs") == 0
    assert all(worker.lives for worker in workers)


def test_one_connection_for_many_jobs_is_enough_for_every_heartbeat(make_load: Callable[..., Load]) -> None:
    load = make_load()
    with load.gate() as gate:
        load.enqueue(6, "--hold", "before")
        load.work("--slots", "16", "--connections", "1")
        wait_for(lambda: len(load.visits("held before")) == 6, 20, "six jobs at the gate")
        load.enqueue(400)
        wait_for(lambda: load.number(HELD) == 6, LEASE + 20, "heartbeats")
        gate.open()
        load.finish(40)
    assert load.faults(406) == []
    assert load.number("SELECT sum(losses) FROM weir.jobs") == 0


def test_a_worker_that_is_cut_off_gives_its_jobs_up_before_others_have_them(make_load: Callable[..., Load]) -> None:
    load = make_load()
    proxy = Proxy(load.server.port)
    try:
        cut = load.work("--slots", "3", port=proxy.port)
        load.enqueue(3, "--hold", "cancelled")
        wait_for(lambda: len(load.visits("held")) == 3, 20, "three jobs in the middle of their work")
        proxy.stall()
        other = load.work("--slots", "3")
        load.finish(LEASE + 20)
        given_up = wait_for(
            lambda: len(load.visits("gave up")) == 3 and load.visits("gave up"), 1, "three jobs that are given up")
        taken = {job: at for job, _, worker, at in load.visits("entered") if worker == other.name}
        assert all(at < taken[job] for job, _, _, at in given_up)
        # When the network is back it works as before.
        proxy.resume()
        other.kill()
        load.enqueue(20)
        load.finish(30)
        assert cut.lives
        assert load.faults(23) == []
    finally:
        proxy.close()


# Clocks that jump ----------------------------------------------------------------------------------------------------


def test_workers_whose_clocks_jump_keep_their_leases(
    make_load: Callable[..., Load], make_clock: Callable[[], Clock]
) -> None:
    load = make_load()
    ahead, behind, jumping = make_clock(), make_clock(), make_clock()
    ahead.set(DAY)
    behind.set(-DAY)
    with load.gate() as gate:
        workers = [load.work("--slots", "4", **clock.environment) for clock in (ahead, behind, jumping)]
        load.enqueue(3, "--hold", "before")
        wait_for(lambda: len(load.visits("held before")) == 3, 20, "three jobs at the gate")
        load.enqueue(300)

        def jump() -> bool:
            jumping.set(load.dice.choice([-DAY, 0, DAY, 3600, -7]))
            return load.number(HELD) == 3

        wait_for(jump, LEASE + 20, "heartbeats")
        gate.open()
        load.finish(30)
    assert load.faults(303) == []
    assert load.number("SELECT sum(losses) FROM weir.jobs") == 0
    days = [datetime.fromisoformat(load.log(worker).split()[0]).date() for worker in workers[:2]]
    assert (days[0] - days[1]).days == 2, "their clocks are wrong indeed"


def test_jumps_of_the_databases_clock_double_nothing_and_leave_nothing_stuck(
    make_load: Callable[..., Load], make_clock: Callable[[], Clock]
) -> None:
    clock = make_clock()
    load = make_load(environment=clock.environment)
    load.enqueue(300)
    workers = [load.work() for _ in range(3)]
    for _ in range(8):
        clock.set(load.dice.choice([-DAY, 0, DAY, 3600, -7]))
        done = load.done()
        wait_for(lambda: load.done() > done or load.left() == 0, LEASE + 10, "a job done")
    # A worker dies, and jobs fail, while the clock is a day ahead; then it is set right.
    clock.set(DAY)
    with load.gate() as gate:
        load.enqueue(4, "--hold", "before")
        wait_for(lambda: len(load.visits("held before")) == 4, 20, "four jobs at the gate")
        load.enqueue(100)
        wait_for(
            lambda: load.number("SELECT count(*) FROM weir.jobs WHERE waits = 'time' AND run_after > now()") > 0, 20,
            "a job that waits to be tried again")
        for worker in workers:
            worker.kill()
        assert load.number("SELECT count(*) FROM weir.jobs WHERE state = 'RUNNING'") >= 4
        clock.set(0)
        gate.open()
    load.work()
    load.finish(6 * LEASE)
    assert load.faults(404) == []


# Disks that are full -------------------------------------------------------------------------------------------------


def test_jobs_come_back_when_the_databases_disk_has_room_again(
    make_load: Callable[..., Load], small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(200)
    load = make_load(folder=disk, min_wal_size="32MB", max_wal_size="32MB")
    workers = [load.work() for _ in range(2)]
    load.enqueue(100)
    wait_for(lambda: load.done() > 20, 30, "some jobs done")
    load.enqueue(500)
    ballast = fill(disk)
    wait_for(lambda: any("disk_full" in load.log(worker) for worker in workers), 40, "a worker that meets a full disk")
    ballast.unlink()
    if not load.server.answers():
        # It had no room for its log: then it stops, and somebody has to start it when there is.
        load.server.start()
    wait_for(lambda: load.left() == 0 or load.rescue("disk_full"), 60, "the end of all jobs or a failed one")
    load.finish(60)
    while load.rescue("disk_full"):
        load.finish(60)
    assert load.faults(600) == []
    assert all(worker.lives for worker in workers)
