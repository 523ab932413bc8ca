"""What lies in a house's lake, held against its catalogue."""
import os
import threading
from http.client import HTTPException
from pathlib import Path
from typing import Any

from house import House, Refused


def catalogued(house: House, place: str = "acme_dev") -> set[str]:
    """Every data and delete file that the catalogue names, also those that only older snapshots hold, and those that
    nothing holds any more and that wait for their removal."""
    rows = house.catalogue(
        """
        SELECT s.path || t.path || f.path FROM (
          SELECT table_id, path FROM ducklake_data_file UNION ALL SELECT table_id, path FROM ducklake_delete_file) f
        JOIN (SELECT DISTINCT table_id, schema_id, path FROM ducklake_table) t USING (table_id)
        JOIN (SELECT DISTINCT schema_id, path FROM ducklake_schema) s USING (schema_id)
        UNION ALL SELECT path FROM ducklake_files_scheduled_for_deletion
        """, place)
    return {row[0] for row in rows}


def stored(house: House, place: str = "acme_dev") -> set[str]:
    """Every file in the warehouse's folder."""
    root = house.folder / "lake" / "warehouse" / place
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def faults(house: House, place: str = "acme_dev") -> list[str]:
    """What a crash must never leave behind; empty if all is well."""
    named, there = catalogued(house, place), stored(house, place)
    found = [f"orphan file {path}" for path in sorted(there - named)]
    found += [f"missing file {path}" for path in sorted(named - there)]
    lake = house.folder / "lake"
    for zone in ("raw", "bronze", "quarantine"):
        for folder, folders, files in os.walk(lake / zone):
            name = str(Path(folder).relative_to(lake))
            found += [f"passing folder {name}/{each}" for each in folders if each.startswith(".")]
            found += [f"partial file {name}/{each}" for each in files if each.startswith(".") or "partial" in each]
            if files and "_SUCCESS" not in files:
                found.append(f"unfinished folder {name}")
            if not files and not folders and "run_date=" in str(Path(folder).parent):
                found.append(f"empty folder {name}")
    twice = house.catalogue("SELECT load_id FROM _weir_loads GROUP BY load_id HAVING count(*) > 1", place)
    twice += house.catalogue("SELECT run_id, table_name FROM _weir_loads GROUP BY 1, 2 HAVING count(*) > 1", place)
    found += [f"doubled load {row}" for row in twice]
    left = house.catalogue(
        "SELECT table_name FROM ducklake_table WHERE end_snapshot IS NULL AND table_name LIKE '%\\_\\_dbt\\_%'", place)
    return found + [f"dbt's passing table {row[0]}" for row in left]


def tables(house: House, environment: str = "dev") -> dict[str, list[list[Any]]]:
    """All rows of all tables and views, sorted, except Weirhouse's own register."""
    found = {}
    for schema in house.get(f"/api/v1/tables?environment={environment}")["schemas"]:
        for table in schema["tables"]:
            if not table["name"].startswith("_weir"):
                name = f'{schema["name"]}."{table["name"]}"'
                rows = house.query(f"SELECT * FROM {name}", environment)
                found[name] = sorted(rows, key=repr)
    return found


def register(house: House, environment: str = "dev") -> list[list[Any]]:
    """`RAW._weir_loads`, as a reader sees it."""
    return house.query("SELECT load_id, run_id, table_name, rows FROM RAW._weir_loads ORDER BY 2, 3", environment)


class Reader:
    """Reads again and again in the background, like a person with a dashboard open, and keeps each answer that differs
    from the one before. A house that is down gives no answer; a table that is not there yet gives `missing`."""

    def __init__(self, house: House, questions: dict[str, str]):
        self.house = house
        self.answers: dict[str, list[Any]] = {name: [] for name in questions}
        self.refusals: set[str] = set()
        self.reads = 0
        self._questions = questions
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(90)

    def _read(self) -> None:
        while not self._ends.is_set():
            for name, sql in self._questions.items():
                answer = self._ask(sql)
                if answer is None:
                    self._ends.wait(0.02)  # it is down
                elif self.answers[name][-1:] != [answer]:
                    self.answers[name].append(answer)
            self._ends.wait(0.05)

    def _ask(self, sql: str) -> Any:
        try:
            answer = tuple(self.house.query(sql)[0])
            self.reads += 1
            return answer
        except Refused as refused:
            if refused.code == "not_found" or "There is no table" in refused.detail:
                return "missing"
            if refused.code not in ("engine_unavailable", "metadata_unavailable", "busy"):
                self.refusals.add(str(refused))
        except (OSError, ValueError, HTTPException):
            pass
        return None
