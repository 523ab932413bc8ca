"""What stays, what is replaced and what goes on by itself: clones repeated, stopped and restarted."""
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import lake
from databases import SHOP, Database
from gates import GATED, Gate
from house import House
from processes import is_gone, wait_for


@pytest.fixture(scope="module")
def cloned(
    make_module_house: Callable[..., House], make_module_database: Callable[..., Database]
) -> tuple[House, Database]:
    """A house with one clone of a small shop, for tests that each clone it once more."""
    house, shop = make_module_house().start(), make_module_database("shop", SHOP + "CREATE TABLE extras (id int);")
    house.clone(shop.url, "--source", "shop")
    return house, shop


def model(house: House, name: str) -> Path:
    return next((house.folder / "models" / "acme_dev" / "models").rglob(f"{name}.sql"))


def loads(house: House) -> int:
    return house.query("SELECT count(*) FROM RAW._weir_loads")[0][0]


def test_a_clone_of_unchanged_data_adds_nothing(cloned: tuple[House, Database]) -> None:
    house, shop = cloned
    before, count = lake.tables(house), loads(house)
    result = house.clone(shop.url, "--source", "shop")
    assert lake.tables(house) == before
    assert loads(house) == count + len(result["streams"])
    assert lake.faults(house) == []


def test_a_second_clone_keeps_peoples_edits_and_builds_with_them(cloned: tuple[House, Database]) -> None:
    house, shop = cloned
    edited, untouched = model(house, "dim_customers"), model(house, "stg_shop__notes")
    edited.write_text("-- kept\nSELECT *, upper(city) AS shouted FROM {{ ref('stg_shop__customers') }}\n")
    own = edited.with_name("cities.sql")
    own.write_text("SELECT DISTINCT city FROM {{ ref('stg_shop__customers') }}\n")
    # The generator wants both files anew now.
    shop.execute("ALTER TABLE customers ADD COLUMN vip bool DEFAULT true; ALTER TABLE notes ADD COLUMN stars int")
    house.clone(shop.url, "--source", "shop")
    assert edited.read_text().startswith("-- kept\n")
    assert "stars" in untouched.read_text()
    assert house.query("SELECT DISTINCT shouted FROM MARTS.dim_customers ORDER BY 1") == [["BERN"], ["GRAZ"], ["KIEL"]]
    assert house.query("SELECT count(*) FROM MARTS.cities") == [[3]]
    repository = house.folder / "models" / "acme_dev"
    assert subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", repository, "status", "--porcelain"], capture_output=True, check=True
    ).stdout == b"", "people's edits are committed"


def test_changed_rows_and_columns_are_replaced_and_a_removed_table_stays_as_it_was(
    cloned: tuple[House, Database]
) -> None:
    house, shop = cloned
    shop.execute(
        """
        DELETE FROM orders WHERE id > 100;
        UPDATE orders SET total = total + 1;
        INSERT INTO orders VALUES (9999, 1, '2026-05-05 05:05+00', 7);
        ALTER TABLE customers DROP COLUMN city CASCADE;
        ALTER TABLE notes ALTER COLUMN body TYPE varchar(80);
        ALTER TABLE notes ADD COLUMN written date NOT NULL DEFAULT '2026-02-03';
        INSERT INTO extras VALUES (1), (2);
        """)
    # Other tests of this module may have made models of their own that want the city.
    for name in ("dim_customers", "cities"):
        for path in (house.folder / "models" / "acme_dev" / "models").rglob(f"{name}.sql"):
            if "city" in path.read_text():
                path.write_text("SELECT * FROM {{ ref('stg_shop__customers') }}\n")
    house.clone(shop.url, "--source", "shop")
    assert house.query("SELECT count(*), sum(total) FROM RAW.shop__orders") == [
        [101, str(shop.rows("SELECT sum(total) FROM orders")[0][0])]]
    columns = [row[0] for row in house.query("DESCRIBE SELECT * FROM RAW.shop__customers")]
    assert "city" not in columns
    assert house.query("SELECT count(*) FROM RAW.shop__notes WHERE written = '2026-02-03'") == [[50]]
    assert house.query("SELECT count(*) FROM RAW.shop__extras") == [[2]]
    shop.execute("DROP TABLE extras")
    result = house.clone(shop.url, "--source", "shop")
    assert "public.extras" not in [stream["name"] for stream in result["streams"]]
    assert house.query("SELECT count(*) FROM RAW.shop__extras") == [[2]]
    assert lake.faults(house) == []


@pytest.mark.timeout(240)
def test_ctrl_c_in_the_middle_of_a_clone_stops_in_seconds_and_the_next_up_ends_the_run(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    house = make_house().start()
    shop = make_database("shop", SHOP + GATED)
    with Gate(shop) as gate:
        clone = house.begin("clone", shop.url, "--source", "shop", "--tables", "orders,customers,gated", "--json")
        gate.wait_for_readers()
        began = time.monotonic()
        assert house.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 8
        assert house.pids().keys() <= {clone.pid}
        assert clone.poll() is None, "weir clone waits for the server"
        # The source is let go of: no session of ours is left there.
        wait_for(lambda: not gate.waiting(), 10, "the end of the source's sessions")
        house.start()
        gate.wait_for_readers()
    # Once more, while dbt builds; this time with SIGTERM, as a service manager stops it.
    wait_for(lambda: any("dbt.cli.main" in line for line in house.pids().values()), 40, "dbt")
    began = time.monotonic()
    assert house.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 8
    assert house.pids().keys() <= {clone.pid}
    house.start()
    # And the server alone, while somebody follows.
    server = house.pid_of("serve")
    os.kill(server, signal.SIGKILL)
    wait_for(lambda: is_gone(server), 5, "the end of the server")
    out, err = clone.communicate(timeout=90)
    assert clone.returncode == 0, err.decode()
    assert b"The server is back" in err
    result = json.loads(out)
    assert {stream["name"]: stream["loaded_rows"] for stream in result["streams"]} == {
        "public.customers": 200, "public.orders": 3000, "public.gated": 1000}
    assert lake.faults(house) == []
    assert loads(house) == 3
