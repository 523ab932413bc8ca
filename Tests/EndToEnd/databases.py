"""Source databases on the throwaway PostgreSQL server of the tests."""
import itertools
import os
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

_numbers = itertools.count(1)


class Database:
    """A database made for one test or module; `url` is its address as a superuser."""

    def __init__(self, server: str, label: str, sql: str = "", name: str | None = None):
        self.server = server
        self.name = name or f"{label}_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.name}"')
        self.url = self.address()
        if sql:
            self.execute(sql)

    def address(self, user: str | None = None, password: str | None = None, port: int | None = None) -> str:
        parts = urlsplit(self.server)
        user = user or parts.username or "postgres"
        password = password if password is not None else parts.password
        login = quote(user) + (f":{quote(password)}" if password else "")
        place = f"{login}@{parts.hostname}:{port or parts.port}"
        return urlunsplit((parts.scheme, place, f"/{quote(self.name)}", "", ""))

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def execute(self, sql: str) -> None:
        """Any number of statements, each by itself."""
        with self.connect() as connection:
            connection.execute(sql)  # type: ignore[call-overload]

    def rows(self, sql: str) -> list[tuple]:
        with self.connect() as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]

    def drop(self) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


# Three small tables with a key between them: few models, quick to build.
SHOP = """
    CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, city text);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers,
      placed_at timestamptz NOT NULL, total numeric(10,2) NOT NULL);
    CREATE TABLE notes (body text);
    INSERT INTO customers SELECT n, 'customer ' || n, (ARRAY['Kiel', 'Bern', 'Graz'])[n % 3 + 1]
      FROM generate_series(1, 200) n;
    INSERT INTO orders SELECT n, n % 200 + 1, timestamptz '2026-01-01 00:00+00' + n * interval '1 hour', n * 1.25
      FROM generate_series(1, 3000) n;
    INSERT INTO notes SELECT 'note ' || n FROM generate_series(1, 50) n;
"""
