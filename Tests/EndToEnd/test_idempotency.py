"""A request to clone that is sent again, with the same idempotency key, makes no second run."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from databases import SHOP, Database
from house import House, Refused


def ask(house: House, order: dict[str, Any]) -> dict[str, Any]:
    return json.loads(house.request("/api/v1/clones", order))


def test_requests_of_one_key_make_one_run(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    house = make_house().start()
    source = make_database("shop", SHOP)
    order = {"url": source.url, "source": "shop", "idempotency_key": "monday"}

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(house, order), range(8)))
    assert len({answer["run_id"] for answer in answers}) == 1
    assert [answer["is_new"] for answer in answers].count(True) == 1
    run = answers[0]["run_id"]
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"

    # Also when it is over; nothing is tried again, and what is kept of the source stays.
    away = {**order, "url": "postgresql://nobody@127.0.0.1:1/gone"}
    again = ask(house, away)
    assert (again["run_id"], again["is_new"]) == (run, False)
    with pytest.raises(Refused) as refused:
        ask(house, {**order, "source": "other"})
    assert (refused.value.status, refused.value.code) == (409, "conflict")
    with pytest.raises(Refused) as refused:
        ask(house, {**order, "environment": "prod"})
    assert refused.value.status == 409

    known = ask(house, {"source": "shop", "idempotency_key": "tuesday"})
    assert known["is_new"] and known["run_id"] != run
    assert house.wait_for_run(known["run_id"])["run"]["state"] == "SUCCESS", "its address is still the first one"
    assert house.metadata().execute("SELECT count(*) FROM weir.runs").fetchone()[0] == 2
