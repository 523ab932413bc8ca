"""Rows and the sum of one column of what a tool loaded, as {"rows": …, "sum": …}. It runs with the DuckDB of the tool
that wrote the file."""

import json
import sys

import duckdb

kind, target, relation, column = sys.argv[1:5]
if kind == "duckdb":
    connection = duckdb.connect(target, read_only=True)
else:
    connection = duckdb.connect()
    if kind == "ducklake":
        connection.execute("LOAD ducklake")
        connection.execute("LOAD postgres_scanner")
        connection.execute(f"ATTACH 'ducklake:postgres:{target}' AS lake (METADATA_SCHEMA 'lake', READ_ONLY)")
rows, total = connection.execute(f'SELECT count(*), sum("{column}") FROM {relation}').fetchone()
print(json.dumps({"rows": rows, "sum": float(total)}))
