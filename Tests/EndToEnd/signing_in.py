"""What tests of signing in share: issuers and rules set up, and what a sign-in has made."""
from typing import Any

from house import House


def add_issuer(house: House, name: str, issuer: str, *options: str, secret: str = "") -> dict[str, Any]:
    stdin = ["--secret-from-stdin"] if secret else []
    said = house.weir("issuers", "add", name, issuer, "--client-id", "weirhouse", *stdin, "--json", *options,
                      stdin=secret + "\n")
    assert said.status == 0, said.err
    return said.json


def add_rule(house: House, issuer: str, *options: str) -> str:
    said = house.weir("sign-in-rules", "add", issuer, "--json", *options)
    assert said.status == 0, said.err
    return said.json["rule_id"]


def made(house: House) -> dict[str, int]:
    """What a sign-in makes."""
    tables = {"people": "", "identities": "", "principals": "", "grants": "", "session_origins": "",
              "credentials": " WHERE kind = 'session'"}
    with house.metadata() as connection:
        connection.execute("SET row_security = off")
        return {table: connection.execute(f"SELECT count(*) FROM weir.{table}{where}").fetchone()[0]  # type: ignore
                for table, where in tables.items()}


def rows(house: House, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with house.metadata() as connection:
        return connection.execute(sql, values).fetchall()


def grants(house: House, email: str) -> list[tuple[str, str]]:
    return rows(house, """SELECT g.environment, g.role FROM weir.grants g JOIN weir.principals p USING (principal_id)
                          WHERE p.email = %s ORDER BY 1, 2""", email)
