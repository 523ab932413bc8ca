"""The limit: DuckDB alone, through its own PostgreSQL scanner. Prints {"seconds": …} of the statement itself."""

import json
import sys
import time

import duckdb

kind, source, table, target = sys.argv[1:]
connection = duckdb.connect(target if kind == "table" else ":memory:")
connection.execute("LOAD postgres_scanner")
connection.execute(f"ATTACH '{source}' AS source (TYPE postgres, READ_ONLY)")
statement = {
    "table": f'CREATE TABLE "{table}" AS FROM source.public."{table}"',
    "parquet": f"COPY (FROM source.public.\"{table}\") TO '{target}' (FORMAT parquet)",
}[kind]
started = time.monotonic()
connection.execute(statement)
seconds = time.monotonic() - started
connection.close()
print(json.dumps({"seconds": seconds}))
