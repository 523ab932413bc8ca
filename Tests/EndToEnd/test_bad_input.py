"""Bad input and bad luck: one clear line, a status that is not 0, nothing half-made, and all else goes on."""
import socket
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

import lake
from databases import SHOP, Database
from house import House, Refused, Said


def one_line(said: Said, *words: str, status: int = 1) -> None:
    """The command failed with exactly one line that holds these words, and printed nothing as if it were a result."""
    assert said.status == status, said
    assert said.out == "", said.out
    assert len(said.lines) == 1, said.err
    assert said.lines[0].startswith("weir: "), said.err
    for word in words:
        assert word in said.lines[0], said.err


def traces(house: House, source: str) -> list[str]:
    """What a source left behind."""
    found = [str(path) for path in (house.folder / "lake").rglob(f"*{source}*")]
    with house.metadata() as connection:
        for table in ("sources", "runs"):
            column = "name" if table == "sources" else "source"
            rows = connection.execute(f"SELECT * FROM weir.{table} WHERE {column} = %s", [source]).fetchall()
            found += [f"{table}: {row}" for row in rows]
        rows = connection.execute("SELECT name FROM weir.secrets WHERE name LIKE %s", [f"%{source}%"]).fetchall()
        return found + [f"secret {row[0]}" for row in rows]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# Addresses and names


def test_a_wrong_host_port_user_or_database_is_one_line_and_leaves_nothing(
    shared_house: House, shop: Database
) -> None:
    def clone(url: str) -> Said:
        return shared_house.weir("clone", url, "--source", "nowhere")

    one_line(clone("postgresql://u@no-such-host.invalid:5432/shop"), "no-such-host.invalid:5432 cannot be reached")
    one_line(clone(shop.address(port=free_port())), "cannot be reached")
    one_line(clone(shop.address(user="nobody_here", password="x")), "user")
    one_line(clone(shop.url + "x"), f"no database {shop.name}x")
    one_line(shared_house.weir("clone", shop.url, "--source", "nowhere", "--tables", "orders,nope"), "no table nope")
    assert traces(shared_house, "nowhere") == []


def test_a_wrong_password_is_one_line_that_does_not_repeat_it_and_does_not_replace_the_right_one(
    shared_house: House, shop: Database
) -> None:
    wrong = shop.address(password="not-the-passw0rd")
    try:
        psycopg.connect(wrong).close()
        pytest.skip("this server takes any password; scripts/with-postgres starts one that does not")
    except psycopg.OperationalError:
        pass
    said = shared_house.weir("clone", wrong, "--source", "locked")
    one_line(said, "refused the user or password")
    assert "not-the-passw0rd" not in said.err + shared_house.log.read_text()
    assert traces(shared_house, "locked") == []
    shared_house.clone(shop.url, "--source", "locked", "--tables", "notes", "--environment", "stage")
    one_line(shared_house.weir("clone", wrong, "--source", "locked", "--environment", "stage"), "refused")
    # Without an address: the one that worked.
    said = shared_house.weir("clone", "--source", "locked", "--tables", "notes", "--environment", "stage")
    assert said.status == 0, said.err


@pytest.mark.parametrize(
    "address",
    [
        "", "nonsense", "mysql://user@host/db", "postgresql://", "postgresql://host",
        "postgresql://u:s3cret@host:99999/db",
        "postgresql://u:s3cret@host:abc/db", "postgresql://u:s3cret@host/db?sslmode=maybe",
        "postgresql://u:s3cret@host/db?passfile=/etc/passwd", "postgresql://u:s3cret@host/db?nonsense=1",
        "postgresql://u:s3cret%zz@host/db", "postgresql:///db", "postgresql://u:s3cret@[::1/db",
    ])
def test_an_address_that_is_none_is_one_line_without_its_password(shared_house: House, address: str) -> None:
    said = shared_house.weir("clone", address, "--source", "nowhere")
    one_line(said, status=said.status)
    assert said.status in (1, 2)
    assert "s3cret" not in said.err
    # The API says the same to those who come without the command line.
    with pytest.raises(Refused) as refused:
        shared_house.request("/api/v1/clones", {"url": address, "source": "nowhere"})
    assert 400 <= refused.value.status < 500 or refused.value.code == "source_unreachable"
    assert "s3cret" not in str(refused.value)
    assert traces(shared_house, "nowhere") == []


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--organization", "other"), ("--organization", "../acme"), ("--environment", "qa"), ("--environment", ""),
        ("--environment", "dev; drop"), ("--source", "../up"), ("--source", "A b"), ("--source", "ümläut"),
        ("--source", "x" * 41), ("--source", "a/b"), ("--source", "1st"), ("--tables", ","),
    ])
def test_a_bad_name_is_one_line(shared_house: House, shop: Database, option: str, name: str) -> None:
    said = shared_house.weir("clone", shop.url, option, name)
    one_line(said, status=said.status)
    assert said.status in (1, 2)
    assert traces(shared_house, shop.name) == []


# Sources that hold back or change


def test_tables_that_may_not_be_read_fail_alone_and_the_run_says_which(
    shared_house: House, make_database: Callable[..., Database]
) -> None:
    shop = make_database("shop", SHOP)
    user = f"reader_{shop.name}"
    shop.execute(
        f"""
        CREATE ROLE {user} LOGIN PASSWORD 'reader';
        GRANT SELECT ON customers, orders TO {user};
        ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY few ON orders USING (id < 10);
        """)
    try:
        url = shop.address(user=user, password="reader")
        said = shared_house.weir("clone", url, "--source", "guarded", "--environment", "stage", "--json")
        assert said.status == 1
        streams = {stream["name"]: stream for stream in said.json["streams"]}
        assert streams["public.customers"]["verified"]
        assert streams["public.customers"]["loaded_rows"] == 200
        for name, words in {"public.notes": "may not read", "public.orders": "hides rows"}.items():
            assert not streams[name]["verified"]
            assert streams[name]["problem"]["code"] == "source_permission"
            assert words in streams[name]["problem"]["detail"]
            assert name in said.json["problem"]["detail"]
        names = {row[0] for row in shared_house.query(
            "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'guarded%'", "stage")}
        assert names == {"guarded__customers"}
        assert lake.faults(shared_house, "acme_stage") == []
    finally:
        shop.drop()
        with psycopg.connect(shop.server, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {user}")


# Queries


@pytest.fixture(scope="module")
def queried(shared_house: House, make_module_database: Callable[..., Database]) -> House:
    """The shared house with a shop in its environment `prod`."""
    shop = make_module_database("shop", SHOP)
    shared_house.clone(shop.url, "--source", "queried", "--environment", "prod")
    return shared_house


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("", ""), ("selec 1", ""), ("SELECT", ""), ("SELECT * FROM nope", "nope"),
        ("SELECT nope FROM RAW.queried__notes", "nope"),
        ("SELECT 1; SELECT 2", ""), ("SELECT 'open", ""), ("SELECT 1/'x'", ""), ("SELECT cast('x' AS int)", ""),
        ("INSERT INTO RAW.queried__notes VALUES ('x')", "INSERT"), ("DELETE FROM RAW.queried__notes", "DELETE"),
        ("UPDATE RAW.queried__notes SET body = 'x'", "UPDATE"), ("DROP TABLE RAW.queried__notes", "DROP"),
        ("CREATE TABLE RAW.mine AS SELECT 1", "CREATE"),
        ("CREATE OR REPLACE VIEW MARTS.v AS SELECT 1", "CREATE"),
        ("ALTER TABLE RAW.queried__notes ADD COLUMN x int", "ALTER"),
        ("COPY RAW.queried__notes TO '/tmp/x.csv'", "COPY"),
        ("ATTACH 'x.db'", "ATTACH"), ("SET memory_limit = '1TB'", "SET"), ("PRAGMA database_list", ""),
        ("CALL ducklake_snapshots('lake')", ""), ("WITH x AS (DELETE FROM RAW.queried__notes) SELECT 1", ""),
        ("EXPLAIN ANALYZE DELETE FROM RAW.queried__notes", ""), ("TRUNCATE RAW.queried__notes", ""),
        ("CHECKPOINT", ""), ("BEGIN", ""), ("INSTALL httpfs", ""), ("EXPORT DATABASE '/tmp/x'", ""),
    ])
def test_unusable_and_writing_sql_is_one_line_and_changes_nothing(queried: House, sql: str, word: str) -> None:
    before = queried.catalogue("SELECT max(snapshot_id) FROM ducklake_snapshot", "acme_prod")
    said = queried.weir("query", sql, "--environment", "prod")
    one_line(said, status=said.status)
    assert said.status in (1, 2)
    assert word in said.err
    assert "Something unexpected" not in said.err
    assert queried.catalogue("SELECT max(snapshot_id) FROM ducklake_snapshot", "acme_prod") == before
    assert queried.query("SELECT count(*) FROM RAW.queried__notes", "prod") == [[50]]


def test_a_query_of_a_warehouse_that_is_not_there_is_one_line(
    shared_house: House, make_house: Callable[..., House]
) -> None:
    house = make_house()
    one_line(house.weir("query", "SELECT 1"), "not running", "weir up")
    one_line(shared_house.weir("query", "SELECT 1", "--organization", "other"), "other")


# Starting


def test_up_says_in_one_line_why_it_cannot_start(
    make_house: Callable[..., House], shared_house: House, tmp_path: Path
) -> None:
    house = make_house()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        one_line(house.weir("up", "--port", str(port)), f"Port {port} is taken", "--port")
    # The second on one folder.
    one_line(shared_house.weir("up", "--port", "0"), "already", "http://127.0.0.1:")
    assert shared_house.weir("status").status in (0, 1)
    one_line(house.weir("up", "--port", "70000"), "70000")
    one_line(house.weir("up", "--data", str(tmp_path / ("long" * 30)), "--port", "0"), "too long")


def test_up_refuses_a_folder_of_a_newer_version_and_one_that_is_none_and_touches_neither(
    make_house: Callable[..., House]
) -> None:
    cases = [("version", "999\n", "999"), ("holiday.jpg", "x", "not empty"), ("version", "abc", "version")]
    for name, text, word in cases:
        house = make_house()
        house.folder.mkdir()
        (house.folder / name).write_text(text)
        one_line(house.weir("up", "--port", "0"), word)
        assert [path.name for path in house.folder.iterdir()] == [name]
        assert (house.folder / name).read_text() == text
    house = make_house()
    house.folder.write_text("a file")
    one_line(house.weir("up", "--port", "0"))


def test_without_duckdb_up_says_what_to_install(make_house: Callable[..., House], tmp_path: Path) -> None:
    house = make_house()
    said = house.weir("up", "--port", "0", seconds=60, WEIR_PYTHON_HOME=str(tmp_path))
    one_line(said, "DuckDB", "make bootstrap")
    assert not house.pids()


def test_without_postgresql_up_says_what_to_install(make_house: Callable[..., House], tmp_path: Path) -> None:
    house = make_house()
    said = house.weir("up", "--port", "0", WEIR_POSTGRES_BIN=str(tmp_path), PATH="/nowhere")
    one_line(said, "PostgreSQL")
