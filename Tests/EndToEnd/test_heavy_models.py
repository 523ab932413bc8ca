"""A person's model that needs more memory than dbt's engine usually gets."""
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import lake
from databases import Database
from house import House

pytestmark = pytest.mark.timeout(180)

WARNING = "Some models need more memory than usual: building again with 2 GB."
# A list of 320 MB, which cannot be spilled.
HEAVY = """
    {{ config(materialized='table') }}
    select len(list(i::hugeint)) as n from range(20000000) t(i)
"""
# The same after some files' worth of rows: what fails has begun to write.
HEAVY_AT_ITS_END = """
    {{ config(materialized='table') }}
    select i as n, md5(i::varchar) as noise from range(1000000) t(i)
    union all
    select len(list(i::hugeint)), 'last' from range(20000000) t(i)
"""


def write_model(house: House, name: str, sql: str) -> None:
    """As a person does: into the models' repository, and committed."""
    models = house.folder / "models" / "acme_dev"
    path = models / "models" / "marts" / f"{name}.sql"
    path.write_text(sql)
    person = {f"GIT_{part}_{what}": "a@b" for part in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in (["add", "-A"], ["commit", "-m", f"Add {name}"]):
        subprocess.run(
            ["git", "-C", str(models), "-c", "safe.directory=*", *command], capture_output=True, check=True,
            env=os.environ | person, timeout=20)


def warnings(house: House, run: dict[str, Any]) -> list[str]:
    lines = house.get(f"/api/v1/runs/{run['run_id']}/logs")["lines"]
    return [line["text"] for line in lines if line["level"] == "warning"]


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


def test_a_model_that_needs_much_memory_is_built_with_more_and_the_run_says_so(
    house: House, shop: Database
) -> None:
    usual = house.clone(shop.url, "--source", "shop")
    assert WARNING not in warnings(house, usual)
    write_model(house, "heavy", HEAVY)
    heavy = house.clone(shop.url, "--source", "shop")
    assert [stream["verified"] for stream in heavy["streams"]] == [True, True, True]
    assert heavy["models"]["built"] == usual["models"]["built"] + 1
    assert heavy["models"]["tests_failed"] == 0
    assert warnings(house, heavy) == [WARNING]
    assert house.query("SELECT n FROM MARTS.heavy") == [[20_000_000]]
    # From then on the project has it from the start.
    assert warnings(house, house.clone(shop.url, "--source", "shop")) == []
    assert house.query("SELECT count(*), sum(total) FROM fct_orders") == [[3000, "5626875.00"]]
    assert lake.faults(house) == []


def test_what_a_model_wrote_before_it_ran_out_of_memory_does_not_stay_in_the_lake(
    house: House, shop: Database
) -> None:
    house.clone(shop.url, "--source", "shop")
    # As if no model had needed more before.
    (house.folder / "models" / "acme_dev" / "target" / "weirhouse-needs-memory").unlink(missing_ok=True)
    write_model(house, "heavy_at_its_end", HEAVY_AT_ITS_END)
    run = house.clone(shop.url, "--source", "shop")
    assert warnings(house, run) == [WARNING]
    assert house.query("SELECT count(*), max(n) FROM MARTS.heavy_at_its_end") == [[1_000_001, 20_000_000]]
    assert lake.faults(house) == []
