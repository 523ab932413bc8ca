"""A source that stands still in the middle of a read for as long as a test needs."""
import psycopg

from databases import Database
from processes import wait_for

# Views whose last row is given only while nobody holds the gate. Any number of sessions may pass at once.
GATED = """
    CREATE FUNCTION gate(n int) RETURNS bool LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
    BEGIN
      IF n = 1000 THEN PERFORM pg_advisory_xact_lock_shared(20261121); END IF;
      RETURN true;
    END $$;
    CREATE VIEW gated AS SELECT n AS id, 'row ' || n AS body FROM generate_series(1, 1000) n WHERE gate(n);
"""


class Gate:
    """Closed while the context lasts, or until `open`."""

    def __init__(self, database: Database):
        self._database = database
        self._connection: psycopg.Connection | None = None

    def __enter__(self) -> "Gate":
        self._connection = self._database.connect()
        self._connection.execute("SELECT pg_advisory_lock(20261121)")
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def open(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def waiting(self) -> list[int]:
        """The source's sessions that stand at the gate."""
        rows = self._database.rows(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 20261121 AND NOT granted")
        return [row[0] for row in rows]

    def wait_for_readers(self, count: int = 1) -> list[int]:
        return wait_for(lambda: len(self.waiting()) >= count and self.waiting(), 40, f"{count} sessions at the gate")
