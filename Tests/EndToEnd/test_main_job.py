"""The main job through the real binary in a fresh data folder: from an application's database to a dashboard."""
import csv
import hashlib
import io
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from databases import Database
from house import House
from samples import CHINOOK_ROWS, FLIGHTS_ROWS, load_chinook, load_flights

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


@pytest.fixture(scope="module")
def chinook(make_module_database: Callable[..., Database]) -> Database:
    return load_chinook(make_module_database("chinook"))


@pytest.fixture(scope="module")
def run(house: House, chinook: Database) -> dict[str, Any]:
    """What `weir clone --json` printed for Chinook."""
    return house.clone(chinook.url, "--source", "chinook")


@pytest.fixture(scope="module")
def lake(house: House, run: dict[str, Any]) -> Path:
    return house.folder / "lake"


# Receipts


def test_every_row_of_chinook_is_loaded_and_verified(run: dict[str, Any]) -> None:
    assert {s["name"]: (s["source_rows"], s["loaded_rows"], s["verified"]) for s in run["streams"]} == {
        f"public.{table}": (rows, rows, True) for table, rows in CHINOOK_ROWS.items()}
    assert len(run["streams"]) == 11 and sum(s["loaded_rows"] for s in run["streams"]) == 15607


def test_the_json_has_the_promised_shape(house: House, run: dict[str, Any]) -> None:
    assert set(run) == {"run_id", "streams", "models", "dashboard_url", "load_seconds", "seconds"}
    assert uuid.UUID(run["run_id"])
    for stream in run["streams"]:
        assert set(stream) == {"name", "source_rows", "loaded_rows", "verified"}
    assert set(run["models"]) == {"built", "tests_passed", "tests_failed"}
    assert run["models"]["built"] > 11 and run["models"]["tests_passed"] > 11 and run["models"]["tests_failed"] == 0
    assert 0 < run["load_seconds"] < run["seconds"] < 100
    address = json.loads((house.folder / "server.json").read_text())["address"]
    assert run["dashboard_url"].startswith(f"{address}/dashboards/chinook")


def test_a_run_can_be_looked_at_again(house: House, run: dict[str, Any]) -> None:
    said = house.weir("runs", run["run_id"])
    assert said.status == 0 and "public.invoiceline" in said.out and "2,240" in said.out
    assert run["run_id"] in house.weir("runs").out
    said = house.weir("status")
    assert said.status == 0, said.out + said.err


# Queries


def test_the_invoice_fact_counts_and_sums_as_the_source(house: House, run: dict[str, Any]) -> None:
    sql = "select count(*), sum(total) from fct_invoice"
    said = house.weir("query", sql)
    assert said.status == 0 and re.search(r"\b412\b.*\b2328\.60\b", said.out), said.out + said.err
    assert house.weir("query", sql, "--format", "csv").out.splitlines()[1] == "412,2328.60"
    assert house.weir("query", sql, "--format", "json").json["rows"] == [[412, "2328.60"]]


def test_a_parquet_answer_is_parquet(house: House, run: dict[str, Any]) -> None:
    done = subprocess.run(
        [house.binary, "query", "select * from fct_invoice", "--format", "parquet"], env=house.variables(),
        capture_output=True, check=True, timeout=60)
    assert done.stdout[:4] == done.stdout[-4:] == b"PAR1"


def test_layers_hold_models_named_as_promised(house: House, run: dict[str, Any]) -> None:
    schemas = {s["name"]: {t["name"]: t for t in s["tables"]} for s in house.get("/api/v1/tables")["schemas"]}
    assert {f"chinook__{table}" for table in CHINOOK_ROWS} <= set(schemas["RAW"])
    assert {f"stg_chinook__{table}" for table in CHINOOK_ROWS} == set(schemas["STAGING"])
    assert {"int_chinook__invoice_enriched", "int_chinook__track_enriched"} <= set(schemas["INTERMEDIATE"])
    assert {"fct_invoice", "dim_customer", "dim_track", "daily_invoice"} <= set(schemas["MARTS"])
    assert schemas["RAW"]["chinook__invoice"]["rows"] == 412
    assert house.query("select count(*), count(distinct invoiceid) from int_chinook__invoiceline_enriched") == [[2240, 412]]


# The dashboard


def test_the_dashboard_has_charts_that_hold_the_sources_numbers(house: House, chinook: Database, run: dict[str, Any]) -> None:
    dashboard = house.get("/api/v1/dashboards/chinook")
    held = {}
    for chart in dashboard["charts"]:
        data = house.get(f"/api/v1/dashboards/chinook/charts/{chart['id']}/data")
        if data["table"]["rows"]:
            held[chart["id"]] = (chart, data)
            names = [column["name"] for column in data["table"]["columns"]]
            assert set(chart["y"]) <= set(names), chart
            assert data["verified_through"].startswith(datetime.now(timezone.utc).strftime("%Y-%m-"))
    assert len(held) >= 4, dashboard
    summed = next((d for c, d in held.values() if c["kind"] == "line" and "total_sum" in c["y"]), None)
    assert summed, list(held)
    column = [c["name"] for c in summed["table"]["columns"]].index("total_sum")
    total = sum(float(row[column]) for row in summed["table"]["rows"])
    assert round(total, 2) == float(chinook.rows("SELECT sum(total) FROM invoice")[0][0]) == 2328.60


def test_a_date_range_narrows_charts_and_csv_says_the_same(house: House, run: dict[str, Any]) -> None:
    dashboard = house.get("/api/v1/dashboards/chinook")
    chart = next(c["id"] for c in dashboard["charts"] if c["is_dated"] and c["kind"] == "line")
    path = f"/api/v1/dashboards/chinook/charts/{chart}/data"
    first, last = dashboard["first_day"], dashboard["last_day"]
    everything = house.get(path)["table"]["rows"]
    one_year = house.get(f"{path}?from={first[:4]}-01-01&to={first[:4]}-12-31")["table"]["rows"]
    assert first < last and 0 < len(one_year) < len(everything)
    rows = list(csv.reader(io.StringIO(house.request(f"{path}?format=csv").decode())))[1:]
    assert rows == [[str(cell) for cell in row] for row in everything]


# The lake


def test_the_lake_holds_each_load_with_manifest_checksums_and_success(lake: Path, run: dict[str, Any]) -> None:
    raw = lake / "raw" / "clients" / "acme" / "chinook"
    day = datetime.now(timezone.utc).date().isoformat()
    assert [folder.name for folder in raw.iterdir()] in ([f"run_date={day}"], [f"run_date={yesterday(day)}"])
    manifests = sorted(raw.rglob("manifest.json"))
    assert len(manifests) == 11
    for path in manifests:
        manifest = json.loads(path.read_text())
        table = manifest["stream"]["name"]["table"]
        assert manifest["run"] == run["run_id"] and manifest["source"] == "chinook" and manifest["client"] == "acme"
        assert re.fullmatch(r"[0-9A-F]+/[0-9A-F]+", manifest["position"]["position"])
        assert manifest["sourceRows"] == sum(f["written"]["rows"] for f in manifest["files"]) == CHINOOK_ROWS[table]
        assert [c["name"] for c in manifest["stream"]["columns"]] == manifest["columns"]
        for file in manifest["files"]:
            content = (path.parent / file["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"] and len(content) == file["written"]["bytes"]
        success = path.parent / "_SUCCESS"
        assert all(success.stat().st_mtime_ns >= f.stat().st_mtime_ns for f in path.parent.iterdir())
        bronze = list((lake / "bronze" / "clients" / "acme" / "chinook").glob(f"*__{table}/load_date=*/*/_SUCCESS"))
        assert len(bronze) == 1
        names = {f["name"] for f in manifest["files"]} | {"manifest.json", "_SUCCESS"}
        assert {f.name for f in bronze[0].parent.iterdir()} == names
    assert not (lake / "quarantine").exists() or not any((lake / "quarantine").iterdir())


def yesterday(day: str) -> str:
    """A run may begin before midnight and be looked at after it."""
    return datetime.fromtimestamp(datetime.fromisoformat(day + "T00:00:00+00:00").timestamp() - 1, timezone.utc).date().isoformat()


def test_no_file_can_be_read_without_the_key(lake: Path) -> None:
    files = [path for path in lake.rglob("*") if path.is_file() and path.suffix == ".parquet"]
    assert len(files) > 40, "raw, bronze, RAW and marts"
    for path in files:
        content = path.read_bytes()
        assert content[:4] == content[-4:] == b"PARE", f"{path} has a readable footer"
    program = """
import duckdb, sys
for path in sys.argv[1:]:
    try:
        duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()
        print("read", path)
    except duckdb.Error as error:
        assert "encrypt" in str(error).lower(), error
"""
    python = Path(os.environ["WEIR_PYTHON_HOME"]) / "bin" / "python"
    done = subprocess.run([python, "-c", program, *map(str, files)], capture_output=True, check=True, timeout=60)
    assert done.stdout == b""


def test_no_value_of_the_source_stands_in_clear_anywhere_in_the_data_folder(house: House, run: dict[str, Any]) -> None:
    house.query("SELECT name FROM dim_artist ORDER BY name LIMIT 5")
    values = [b"Iron Maiden", b"Led Zeppelin", "Luís".encode(), b"luisg@embraer.com.br", b"+55 (12) 3923-5555",
              b"Balls to the Wall", b"Heavy Metal Classic", b"Nancy", b"andrew@chinookcorp.com", b"Zooropa", b"A Cor Do Som"]
    found = [
        f"{value.decode()} in {path}"
        for path in house.folder.rglob("*") if path.is_file() and not path.is_symlink()
        for content in [path.read_bytes()] for value in values if value in content
    ]
    assert not found, "\n".join(found)


def test_the_data_folder_is_closed_to_other_users(house: House, run: dict[str, Any]) -> None:
    for name in ("lake", "models", "postgres", "run", "logs", "token", "master.key", "postgres.owner.password"):
        assert (house.folder / name).stat().st_mode & 0o077 == 0, name


# Models


def test_the_models_are_a_git_repository_and_edits_outlive_a_second_clone(
    house: House, chinook: Database, run: dict[str, Any]
) -> None:
    models = house.folder / "models" / "acme_dev"

    def git(*arguments: str) -> str:
        own = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
        done = subprocess.run(
            ["git", "-C", str(models), "-c", "safe.directory=*", *arguments], capture_output=True, check=True,
            env=os.environ | own, timeout=20)
        return done.stdout.decode()

    assert git("status", "--porcelain") == ""
    assert len(git("log", "--oneline").splitlines()) >= 1
    assert {"dbt_project.yml", "dashboards/chinook.yml"} <= set(git("ls-files").splitlines())
    model = models / "models" / "staging" / "chinook" / "stg_chinook__artist.sql"
    model.write_text(model.read_text().replace("select * from renamed", "select *, upper(name) as loud from renamed"))
    git("add", "-A")
    git("commit", "-m", "Louder artists")
    before = {r[0] for r in house.query("SELECT load_id FROM RAW._weir_loads")}
    second = house.clone(chinook.url, "--source", "chinook", "--tables", "artist,album")
    assert [s["verified"] for s in second["streams"]] == [True, True]
    assert house.query("SELECT loud FROM stg_chinook__artist WHERE artistid = 1") == [["AC/DC"]]
    assert "Louder artists" in git("log", "--format=%s") and git("status", "--porcelain") == ""
    assert house.query("SELECT count(*), sum(total) FROM fct_invoice") == [[412, "2328.60"]]
    assert house.query("SELECT count(*) FROM RAW.chinook__artist") == [[275]]
    after = {r[0] for r in house.query("SELECT load_id FROM RAW._weir_loads")}
    assert before < after and len(after) == len(before) + 2


# The API


def call(house: House, path: str, token: str | None = None, body: bytes | None = None, method: str | None = None) -> Any:
    """Status, headers and content, whatever the status."""
    address = json.loads((house.folder / "server.json").read_text())["address"]
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(address + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_the_openapi_document_is_whole(house: House) -> None:
    status, _, content = call(house, "/api/v1/openapi.json")
    document = json.loads(content)
    assert status == 200 and document["openapi"].startswith("3.1.")
    assert document["info"]["title"] and document["info"]["version"]
    names = []
    for path, operations in document["paths"].items():
        for operation in operations.values():
            names.append(operation["operationId"])
            declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path)), path
            assert any(code.startswith("2") for code in operation["responses"]), path
    assert len(names) == len(set(names)) >= 14
    for reference in re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document)):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    promised = {"/api/v1/clones", "/api/v1/runs", "/api/v1/query", "/api/v1/tables", "/api/v1/status", "/api/v1/sources/test"}
    assert promised <= set(document["paths"])


@pytest.mark.parametrize("token", [None, "wrong", "a" * 43])
def test_the_api_needs_a_token(house: House, token: str | None) -> None:
    for path in ("/api/v1/runs", "/api/v1/status", "/api/v1/tables", "/api/v1/dashboards"):
        status, headers, content = call(house, path, token)
        assert status == 401 and headers["Content-Type"].startswith("application/problem+json")
        assert json.loads(content)["code"] == "unauthenticated"


@pytest.mark.parametrize(
    ("path", "body", "method", "status", "code"), [
        ("/api/v1/nothing", None, "GET", 404, "not_found"),
        ("/api/v1/runs", b"{}", "DELETE", 405, None),
        ("/api/v1/runs/00000000-0000-0000-0000-000000000000", None, "GET", 404, "not_found"),
        ("/api/v1/query", b"{", "POST", 400, "invalid_input"),
        ("/api/v1/query", b'{"sql": "select 1", "secret": 1}', "POST", 400, "invalid_input"),
        ("/api/v1/query", b'{"sql": "drop table fct_invoice"}', "POST", 400, "query_refused"),
        ("/api/v1/clones", b'{"url": "postgresql://postgres@127.0.0.1:1/x"}', "POST", 502, "source_unreachable"),
    ])
def test_errors_are_problems(
    house: House, run: dict[str, Any], path: str, body: bytes | None, method: str, status: int, code: str | None
) -> None:
    token = (house.folder / "token").read_text().strip()
    got, headers, content = call(house, path, token, body, method)
    assert headers["X-Correlation-Id"]
    problem = json.loads(content)
    assert got >= 400 and got == problem["status"] == (status if code != "query_refused" else got), problem
    assert headers["Content-Type"].startswith("application/problem+json")
    assert problem["type"].startswith("urn:weirhouse:problem:") and problem["title"] and problem["detail"]
    assert problem["correlation_id"] == headers["X-Correlation-Id"]
    assert code is None or problem["code"] == code


# Another real source


def test_all_flights_are_verified(house: House, make_database: Callable[..., Database]) -> None:
    source = load_flights(make_database("flights"))
    run = house.clone(source.url, "--source", "nyc", "--environment", "stage")
    assert {s["name"]: s["loaded_rows"] for s in run["streams"]} == {f"public.{t}": n for t, n in FLIGHTS_ROWS.items()}
    assert all(s["verified"] for s in run["streams"])
    sums = "sum(distance), sum(air_time), count(dep_time), sum(arr_delay), count(DISTINCT tailnum), max(time_hour)::{0}"
    expected = source.rows(f"SELECT {sums.format('date')}::text FROM flights")[0]
    found = house.query(f"SELECT {sums.format('DATE')}::VARCHAR FROM fct_flights", "stage")[0]
    assert [str(value) for value in found] == [str(value) for value in expected]
    weather = "sum(temp), sum(wind_speed), sum(pressure)"
    assert [float(v) for v in house.query(f"SELECT {weather} FROM stg_nyc__weather", "stage")[0]] == pytest.approx(
        [float(v) for v in source.rows(f"SELECT {weather} FROM weather")[0]], rel=1e-12)


# What people write beside the models


ODD_DASHBOARD = """\
name: odd
title: Odd
source: chinook
charts:
  - id: days
    title: Days
    kind: line
    sql: >-
      select cast(invoicedate as date) as day, count(*) as n from STAGING.stg_chinook__invoice
      where {{date_filter}} group by 1 union all select date '20225-01-01', 1
    x: day
    y: [n]
    date_column: invoicedate
  - id: long
    title: Long
    kind: table
    sql: select playlistid, trackid from RAW.chinook__playlisttrack
"""


def test_long_charts_odd_days_and_unreadable_files_of_people(
    house: House, chinook: Database, run: dict[str, Any]
) -> None:
    folder = house.folder / "models" / "acme_dev" / "dashboards"
    (folder / "odd.yml").write_text(ODD_DASHBOARD)
    (folder / "broken.yml").write_text("name: broken\ncharts: [")
    (folder / "bytes.yml").write_bytes(b"\xff\xfe\x00")
    try:
        # What is drawn is cut, and says so; the file is whole.
        data = house.get("/api/v1/dashboards/odd/charts/long/data")
        assert len(data["table"]["rows"]) == 5000 and data["table"]["truncated"] is True
        rows = list(csv.reader(io.StringIO(house.request("/api/v1/dashboards/odd/charts/long/data?format=csv").decode())))
        assert len(rows) == 1 + 8715 and rows[0] == ["playlistid", "trackid"]
        # A typing error in one row takes nobody's range away.
        odd, usual = (house.get(f"/api/v1/dashboards/{name}") for name in ("odd", "chinook"))
        assert (odd["first_day"], odd["last_day"]) == (usual["first_day"], usual["last_day"])
        # A file that cannot be read is named, and takes no other away.
        listed = {each["name"]: each.get("problem") for each in house.get("/api/v1/dashboards")["dashboards"]
                  if each["environment"] == "dev"}
        assert listed.pop("broken").startswith("The dashboard broken.yml ")
        assert listed.pop("bytes").startswith("The dashboard bytes.yml ")
        assert listed == {"chinook": None, "odd": None}
        token = (house.folder / "token").read_text().strip()
        status, _, content = call(house, "/api/v1/dashboards/broken", token)
        assert status == 400 and b"broken.yml" in content
        # Runs say so too, and publish the others.
        failed = house.weir("clone", chinook.url, "--source", "chinook", "--tables", "artist")
        assert failed.status == 1 and "broken.yml" in failed.err, failed
    finally:
        for name in ("odd.yml", "broken.yml", "bytes.yml"):
            (folder / name).unlink()
