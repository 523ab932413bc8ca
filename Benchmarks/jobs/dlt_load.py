"""One table with dlt. Prints {"seconds": …} of the pipeline's run, without Python's start."""

import argparse
import json
import time

import dlt
from dlt.destinations import duckdb, ducklake
from dlt.destinations.impl.ducklake.configuration import DuckLakeCredentials
from dlt.sources.sql_database import sql_table

parser = argparse.ArgumentParser()
parser.add_argument("backend", choices=["connectorx", "pyarrow"])
parser.add_argument("destination", choices=["duckdb", "ducklake"])
parser.add_argument("source")
parser.add_argument("table")
parser.add_argument("target", help="the database file, or the folder of the lake")
parser.add_argument("--catalog", help="the address of the lake's catalogue database")
options = parser.parse_args()

if options.backend == "connectorx":
    reading = {"backend_kwargs": {"conn": options.source, "return_type": "arrow"}}
else:
    reading = {"chunk_size": 100_000}
table = sql_table(credentials=options.source, schema="public", table=options.table, backend=options.backend,
                  reflection_level="full_with_precision", **reading)
if options.destination == "duckdb":
    destination = duckdb(credentials=options.target)
else:
    destination = ducklake(credentials=DuckLakeCredentials("lake", catalog=options.catalog, storage=options.target))

started = time.monotonic()
pipeline = dlt.pipeline("bench", destination=destination, dataset_name="bench")
pipeline.run(table, write_disposition="replace", loader_file_format="parquet").raise_on_failed_jobs()
print(json.dumps({"seconds": time.monotonic() - started}))
