"""All routes of the program, what they take by its own table, and requests for them made from the OpenAPI document."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from callers import Answer, Caller, Client
from house import House

NOBODY = "00000000-0000-4000-8000-000000000000"
# What is called or numbered alike in every organization: schemas, lines of an audit, environments.
ALIKE = {"tables", "lines", "environments"}
GUEST = "guest@example.org"
# The document of the API does not hold the directory's bodies: RFC 7644 does.
SCIM = {
    "POST": {"userName": GUEST}, "PUT": {"userName": GUEST},
    "PATCH": {"Operations": [{"op": "replace", "value": {"displayName": "Somebody"}}]},
}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    permission: str | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_api(self) -> bool:
        return self.path.startswith(("/api/", "/health/", "/scim/")) or self.path == "/metrics"

    @property
    def reads(self) -> bool:
        return self.method in ("GET", "HEAD")

    @property
    def captures(self) -> list[tuple[str, str]]:
        """Each capture with the part of the path before it, by which a value for it is found."""
        parts = self.path.split("/")
        return [(part, parts[at - 1]) for at, part in enumerate(parts) if part.startswith("{")]

    @property
    def names_things(self) -> bool:
        """Whether its path names something that is one organization's alone."""
        return any(before not in ALIKE for _, before in self.captures)


@dataclass
class Things:
    """One organization's things in one environment, by the part of a path that stands before them."""

    environment: str
    values: dict[str, str] = field(default_factory=dict)
    organization: str | None = None

    def path(self, route: Route) -> str:
        """The route's path with these things in it."""
        path = route.path
        for capture, before in route.captures:
            assert before in self.values, f"{route}: say in `furnish` what stands for {capture} after {before}"
            path = path.replace(capture, self.values[before], 1)
        return path.replace("/**", "/no/such/page")

    def made_up(self) -> "Things":
        """The same form, but nobody's."""
        uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
        values = {key: NOBODY if uuid.fullmatch(value) else "nobodys" for key, value in self.values.items()}
        alike = {key: value for key, value in self.values.items() if key in ALIKE}
        # No slug is like that: nobody can found it. What a secret is for is in its name.
        formed = {"organizations": "nobody's", "secrets": f"source%2F{self.environment}%2Fnobodys"}
        return Things(self.environment, values | formed | alike, self.organization and "nobodys")

    def with_own(self, **values: str) -> "Things":
        return Things(self.environment, self.values | values, self.organization)


class Table:
    """`weir routes` and the OpenAPI document of one house."""

    def __init__(self, house: House):
        said = house.weir("routes")
        assert said.status == 0, said.err
        table = said.json
        self.routes = [
            Route(each["method"], each["path"], each.get("permission")) for each in table["routes"]]
        self.roles: dict[str, set[str]] = {role: set(held) for role, held in table["roles"].items()}
        self.of_environment = set(table["of_environment"])
        self.for_all = set(table["for_all"])
        self.document = house.get("/api/v1/openapi.json")

    @property
    def guarded(self) -> list[Route]:
        return [route for route in self.routes if route.permission is not None]

    # Rights

    def places(self, caller: Caller, permission: str) -> set[str]:
        """Where the caller's roles give it: environments, or `*`."""
        if caller.scopes is not None and permission not in self._scope(caller.scopes):
            return set()
        return {place for role, place in caller.grants if permission in self.roles[role]}

    def may_somewhere(self, caller: Caller, permission: str) -> bool:
        places = self.places(caller, permission)
        return "*" in places or bool(places and permission in self.of_environment | self.for_all)

    def _scope(self, names: set[str]) -> set[str]:
        everything = set().union(*self.roles.values())
        return {each for each in everything
                if each in names or "all" in names or ("read" in names and each.endswith(".read"))}

    def is_shadow(self, route: Route) -> bool:
        """Whether it is reached under another's literal path, as GET /schedules/preview is the schedule called so."""
        return "Called" in self.operation(route).get("operationId", "")

    # Requests

    def operation(self, route: Route) -> dict[str, Any]:
        method = "get" if route.method == "HEAD" else route.method.lower()
        return self.document["paths"].get(route.path, {}).get(method, {})

    def parameters(self, route: Route) -> set[str]:
        """Of its query."""
        return {each["name"] for each in self.operation(route).get("parameters", []) if each["in"] == "query"}

    def call(
        self, client: Client, route: Route, things: Things, caller: Caller | None = None,
        fields: dict[str, str] | None = None, **more: Any,
    ) -> Answer:
        """One request of the route about these things, by its own kind of credential. `fields`: more of a form."""
        if caller is not None:
            more |= {"token": caller.token} if route.is_api else {"session": caller.session}
        path = things.path(route)
        if not route.is_api:
            named = {} if things.environment == "dev" else {"environment": things.environment}
            form = None if route.reads else form_about(things) | (fields or {})
            return client.call(route.method, path, query=named, form=form, **more)
        given = {
            "environment": things.environment, "organization": things.organization,
            "member": things.values.get("members"), "permission": "runs.read"}
        query = {name: value for name, value in given.items() if name in self.parameters(route) and value}
        return client.call(route.method, path, query=query, body=self.body(route, things), **more)

    def body(self, route: Route, things: Things) -> Any:
        if route.path.startswith("/scim/"):
            return SCIM.get(route.method)
        content = self.operation(route).get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return None if schema is None else self.sample(schema, things)

    def sample(self, schema: dict[str, Any], things: Things, name: str = "") -> Any:
        """A small value of this schema; about these things where it names any."""
        if "$ref" in schema:
            return self.sample(self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], things, name)
        if "anyOf" in schema:
            return self.sample(schema["anyOf"][0], things, name)
        kind = schema["type"]
        if kind == "object":
            wanted = [each for each in schema["properties"]
                      if each in schema["required"] or each == "environment"
                      or (each == "organization" and things.organization)]
            return {each: self.sample(schema["properties"][each], things, each) for each in wanted}
        if kind == "array":
            return [self.sample(schema["items"], things, name)]
        if kind == "string":
            return self._text(schema, things, name)
        return {"integer": max(schema.get("minimum", 1), 1), "number": 1.5, "boolean": False}[kind]

    def _text(self, schema: dict[str, Any], things: Things, name: str) -> str:
        if name == "environment":
            return things.environment
        if name == "organization":
            return things.organization or ""
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("format") == "uuid":
            return things.values["runs"]
        known = {
            "source": things.values.get("sources"), "issuer": things.values.get("issuers"),
            "slug": things.values.get("organizations"), "sql": "SELECT 1 AS one", "email": GUEST}
        return {"date": "2026-01-01"}.get(schema.get("format", "")) or known.get(name) or "x"


def form_about(things: Things) -> dict[str, str]:
    """Fields that forms of the console ask for; each takes its own and leaves the rest."""
    source = things.values.get("sources", "nobodys")
    return {
        "environment": things.environment, "sql": "SELECT 1 AS one", "note": "a note", "name": "made-by-test",
        "source": source, "action": "cancel", "run": things.values.get("runs", NOBODY),
        "pipeline": f"{things.environment}/{source}", "trigger": "every", "count": "6", "unit": "hours",
        "from": "2026-01-01", "through": "2026-01-01", "email": GUEST, "role": "viewer",
        "slug": things.values.get("organizations", "nobody's"), "size": "small", "keepRunsDays": "30",
        "keepLogsDays": "30", "keepDataDays": "30", "days": "30", "grace": "1", "code": "BCDF-GHJK",
        "answer": "approve", "scopes": "read", "format": "jsonl", "agree": "yes", "version": "1", "value": "x",
        "confirm": "nobodys", "display": "Somebody",
    }
