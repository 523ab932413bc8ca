"""Every route of the program as everybody who must not use it: no credentials, credentials that are over, every role of
another organization, every lesser role of the own one, roles of another environment.

The routes come from the running router (`weir routes`), so that a new one is held to the same rules by itself: it fails
if it takes no permission and is not in OPEN, if no value for its path is known, or if it answers otherwise than the
permission table says. Nobody's answer holds anything of another organization: its rows' ids and marks are looked for in
every body.
"""
from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from callers import Answer, Caller, Client, Organization, Registry
from databases import Database
from house import House
from processes import wait_for
from routes import Route, Table, Things

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not os.environ.get("WEIR_ISOLATION"), reason="does not know the routes that were merged last: see below"),
]

# What asks for no permission, each with its reason. All else must take one.
# It knows the routes of before sign-in, secrets, tokens, members and audit were merged. What stands for their captures in
# paths (issuers, secrets, tokens, sessions, members, organizations, SCIM), and which of them are open, is still to be said in
# `furnish` and OPEN: until then it fails at the first of them. WEIR_ISOLATION=1 runs it.
OPEN = {
    "GET /health/live": "asked by supervisors", "GET /health/ready": "asked by load balancers",
    "GET /api/v1/openapi.json": "the document", "GET /metrics": "sums over all; has a token of its own",
    "GET /sign-in": "the way in", "GET /sign-in/{code}": "the way in", "POST /sign-in/{code}": "the way in",
    "POST /sign-out": "the way out", "GET /assets/{hash}/{name}": "scripts and styles", "GET /favicon.ico": "an icon",
    "GET /**": "no such page", "POST /**": "no such page",
}
ROLES = ["viewer", "billing", "analyst", "engineer", "admin", "owner"]
# What owners can still do when their organization is suspended.
WHEN_SUSPENDED = {"system.read", "organization.read", "account.manage", "audit.read", "organization.delete"}
# Each of what they name is asked for by itself, and refused in the answer.
ONE_BY_ONE = {"POST /api/v1/runs/actions", "POST /runs/actions"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# Every name and every value of what must not be seen begins with one of these.
RIVAL, PROD = "zzrival", "zzprod"


def source_of(mark: str) -> str:
    return f"""
        CREATE TABLE {mark}_orders (id int PRIMARY KEY, {mark}_note text NOT NULL, placed_at timestamptz NOT NULL);
        INSERT INTO {mark}_orders SELECT n, '{mark} value ' || n, timestamptz '2026-01-01 00:00+00' + n * interval '1 day'
          FROM generate_series(1, 40) n;
    """


@dataclass
class World:
    house: House
    client: Client
    table: Table
    registry: Registry
    own: Organization
    other: Organization
    own_dev: Things
    own_prod: Things
    other_dev: Things
    owner: Caller

    def rows(self, organization: Organization, environment: str | None = None) -> dict[str, set[str]]:
        """All rows of an organization (of one environment), by table, without what changes by itself."""
        volatile = {"last_used_at", "last_used_from", "last_seen_at", "seen_at", "looked_at", "checked_at"}
        tables = self.registry.connection.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' "
            "WHERE c.relnamespace = 'weir'::regnamespace AND c.relkind = 'r' ORDER BY 1").fetchall()
        found = {}
        for (name,) in tables:
            rows = self.registry.connection.execute(
                f"SELECT to_jsonb(t) FROM weir.{name} t WHERE organization_id = %s", (organization.id,)).fetchall()
            found[name] = {
                str({key: value for key, value in sorted(row.items()) if key not in volatile}) for (row,) in rows
                if environment is None or row.get("environment") == environment}
        return found


@pytest.fixture(scope="module")
def world(
    make_module_house: Callable[..., House], make_module_database: Callable[..., Database]
) -> Iterator[World]:
    house = make_module_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.1/32").start()
    with house.metadata() as connection:
        registry = Registry(connection)
        own, other = registry.organization("acme"), registry.organization(RIVAL)
        owner = registry.caller(own, ("owner", "*"))
        rival = registry.caller(other, ("owner", "*"))
        client = Client(house)
        places = {
            mark: furnish(house, client, make_module_database(mark, source_of(mark)), caller, mark, environment)
            for mark, caller, environment in (
                ("ours", owner, "dev"), (PROD, owner, "prod"), (RIVAL, rival, "dev"))}
        yield World(
            house, client, Table(house), registry, own, other, places["ours"], places[PROD], places[RIVAL], owner)


def furnish(
    house: House, client: Client, database: Database, owner: Caller, mark: str, environment: str
) -> Things:
    """A clone and one of each thing that can be made, all of whose names hold the mark."""
    def call(method: str, path: str, body: object = None, query: dict[str, str] | None = None) -> Answer:
        answer = client.call(method, f"/api/v1{path}", token=owner.token, body=body, query=query)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body}"
        return answer

    source, place = f"{mark}_source", {"environment": environment}
    run = call("POST", "/clones", {"url": database.url, "source": source, **place}).json["run_id"]
    ended = wait_for(
        lambda: (state := call("GET", f"/runs/{run}").json["run"]["state"]) in ("SUCCESS", "FAILED", "RETRYABLE") and state,
        150, f"the clone of {mark}")
    assert ended == "SUCCESS", house.log_tail()
    schedule, window = f"{mark}_yearly", f"{mark}_window"
    call("PUT", f"/schedules/{schedule}", {
        "source": source, **place, "trigger": {"kind": "cron", "expression": "0 0 1 1 *"}})
    call("POST", f"/schedules/{schedule}/pause", {"because": f"{mark} because"})
    subscription = call("POST", "/subscriptions", {
        "channel": "webhook", "target": f"http://127.0.0.1:9/{mark}", "source": source, **place})
    expectation = call("PUT", "/expectations", {"source": source, **place, "fresh_within_minutes": 500_000})
    call("PUT", "/limits", {"key": f"source/{environment}/{source}", "most": 7})
    call("PUT", f"/maintenance-windows/{window}", {
        "key": f"source/{environment}/{source}", "expression": "0 0 1 1 *", "minutes": 5, "because": f"{mark} because"})
    dashboard = call("GET", f"/dashboards/{source}", query=place).json
    token = call("POST", "/sign-in-codes").json["code"]
    return Things(environment, {
        "runs": run, "schedules": schedule, "maintenance-windows": window, "windows": window, "sources": source,
        "subscriptions": subscription.json["subscription"]["subscription_id"],
        "expectations": expectation.json["expectation_id"], "dashboards": source,
        "charts": dashboard["charts"][0]["id"], "tables": "RAW", "{schema}": f"{source}__{mark}_orders",
        "members": owner.principal, "assets": "0", "{hash}": "x.js", "sign-in": token})


def leaks(world: World, answer: Answer, sent: Things, whose: Organization, mark: str) -> list[str]:
    """What the answer tells of what it must not. What was sent with the request may come back."""
    text = (answer.body + str(answer.headers)).lower()
    text = without(text, sent)
    ids = {found for rows in world.rows(whose).values() for row in rows for found in UUID.findall(row)}
    return [each for each in UUID.findall(text) if each in ids] + ([mark] if mark in text else [])


def without(text: str, sent: Things) -> str:
    """The longest first: one may hold another."""
    for value in sorted([*sent.values.values(), sent.organization or ""], key=len, reverse=True):
        text = text.replace(value.lower(), "") if len(value) > 3 else text
    return text


def lines(wrong: list[str]) -> str:
    return "\n".join([f"{len(wrong)} in all:", *wrong[:60]])


def refused(answer: Answer, route: Route) -> bool:
    return answer.status == 403


def unsigned(answer: Answer, route: Route) -> bool:
    """As the table has it for those who are not signed in: pages lead to the sign-in, all else is refused."""
    if route.is_api or not route.reads:
        return answer.status == 401
    return answer.status in (302, 303) and answer.headers["location"] == "/sign-in"


def with_heads(routes: list[Route]) -> list[Route]:
    """Pages that answer GET answer HEAD, by the same right; the API's table has its own."""
    heads = [Route("HEAD", each.path, each.permission) for each in routes if each.method == "GET" and not each.is_api]
    return list(dict.fromkeys(routes + heads))


# The table


def test_every_route_takes_a_permission_or_is_on_the_list_of_open_ones(world: World) -> None:
    open_ones = {str(route) for route in world.table.routes if route.permission is None and route.method != "HEAD"}
    assert open_ones == set(OPEN), "a route that takes nothing has to be in OPEN, with its reason"
    everything = set().union(*world.table.roles.values())
    assert all(route.permission in everything for route in world.table.guarded)
    assert len(world.table.guarded) > 90


def test_the_document_says_the_same_of_every_route_of_the_api(world: World) -> None:
    documented = {
        f"{method.upper()} {path}": operation for path, methods in world.table.document["paths"].items()
        for method, operation in methods.items()}
    reachable = {str(route): route for route in world.table.routes if route.path.startswith(("/api/", "/health"))}
    for name, operation in documented.items():
        route = reachable[name]
        assert operation.get("x-weir-permission") == route.permission, name
        assert (operation["security"] == [{"token": []}]) == (route.permission is not None), name
    for name, route in reachable.items():
        assert name in documented or route.method == "HEAD", f"{name} is not in the document"


# Nobody, and those whose time is over


def test_without_credentials_that_hold_nothing_but_open_routes_answers(world: World) -> None:
    registry, wrong = world.registry, []
    gone = registry.caller(world.own, ("owner", "*"))
    deactivated = registry.caller(world.own, ("owner", "*"))
    removed = registry.caller(world.own, ("owner", "*"))
    person = registry.person(removed)
    for caller in (gone, deactivated, removed):
        # They are known to the server before it is told.
        assert world.client.call("GET", "/api/v1/runs", token=caller.token).status == 200
        assert world.client.call("GET", "/runs", session=caller.session).status == 200
    registry.revoke(gone.token)
    registry.revoke(gone.session)
    registry.connection.execute(
        "UPDATE weir.principals SET state = 'deactivated' WHERE principal_id = %s", (deactivated.principal,))
    registry.connection.execute("UPDATE weir.people SET deactivated_at = now() WHERE person_id = %s", (person,))
    expired = registry.caller(world.own, ("owner", "*"), expires_at="now() - interval '1 second'")
    idle = registry.caller(
        world.own, ("owner", "*"), idle="interval '1 hour'", last_used_at="now() - interval '61 minutes'")
    swapped = Caller(world.own, "", [], token=world.owner.session, session=world.owner.token)
    unknown = Caller(world.own, "", [], token="weir_token_unknown", session="weir_session_unknown")
    callers = {
        "nobody": None, "an unknown one": unknown, "a session as a token": swapped, "an expired one": expired,
        "an idle one": idle, "a revoked one": gone, "a deactivated member's": deactivated,
        "a deactivated person's": removed}

    def is_told() -> bool:
        return all(world.client.call("GET", "/api/v1/runs", token=caller.token).status == 401
                   and world.client.call("GET", "/runs", session=caller.session).status == 303
                   for caller in (gone, deactivated, removed))

    wait_for(is_told, 6, "the end of what was revoked")
    before = world.rows(world.own)
    for route in with_heads(world.table.guarded):
        for name, caller in callers.items():
            for things in (world.own_dev, world.own_prod) if caller is None else (world.own_dev,):
                answer = world.table.call(world.client, route, things, caller)
                if not unsigned(answer, route):
                    wrong.append(f"{route} with {name}: {answer.status}")
                if PROD in answer.body:
                    wrong.append(f"{route} with {name} tells of {PROD}")
        crossed = {"session": world.owner.session} if route.is_api else {"token": world.owner.token}
        answer = world.table.call(world.client, route, world.own_dev, None, **crossed)
        if not unsigned(answer, route):
            wrong.append(f"{route} with the other face's credentials: {answer.status}")
    assert not wrong, lines(wrong)
    assert world.rows(world.own) == before


def test_open_routes_tell_nothing_of_anybody(world: World) -> None:
    for route in with_heads([route for route in world.table.routes if route.permission is None]):
        if str(route) == "POST /sign-in/{code}":
            continue  # its code is a credential
        for things, whose, mark in (
            (world.other_dev, world.other, RIVAL), (world.own_prod, world.own, PROD)):
            answer = world.table.call(world.client, route, things)
            assert answer.status < 500, f"{route}: {answer.status}"
            assert leaks(world, answer, things, whose, mark) == [], route


# Roles


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_refused_all_that_the_table_does_not_give_it(world: World, role: str) -> None:
    wrong = []
    caller = world.registry.caller(world.own, (role, "*"))
    before = world.rows(world.own)
    refusing = [
        route for route in with_heads(world.table.guarded) if not world.table.may_somewhere(caller, route.permission)]
    for route in refusing:
        answer = world.table.call(world.client, route, world.own_dev, caller)
        if not refused(answer, route):
            wrong.append(f"{route}: {answer.status}, but {role} lacks {route.permission}")
    assert world.rows(world.own) == before, "something that was refused was done"
    for route in world.table.guarded:
        if route in refusing:
            continue
        # What it may change is nobody's, so that nothing is lost.
        things = world.own_dev if route.reads else world.own_dev.made_up()
        answer = world.table.call(world.client, route, things, caller)
        is_there = route.reads and not world.table.is_shadow(route)
        if answer.status in (401, 403) or answer.status >= 500 or (is_there and answer.status >= 400):
            wrong.append(f"{route}: {answer.status} {answer.body[:200]}, but {role} has {route.permission}")
    assert not wrong, lines(wrong)


def test_a_token_is_no_wider_than_its_scopes(world: World) -> None:
    wrong = []
    callers = [world.registry.caller(world.own, ("owner", "*"), scopes=scopes)
               for scopes in (["read"], ["runs.read"], ["schedules.manage", "account.manage"])]
    for route in world.table.guarded:
        for caller in callers:
            if not world.table.may_somewhere(caller, route.permission):
                answer = world.table.call(world.client, route, world.own_dev, caller)
                if not refused(answer, route):
                    wrong.append(f"{route}: {answer.status} with the scopes {caller.scopes}")
    assert not wrong, lines(wrong)
    assert world.client.call("GET", "/api/v1/runs", token=callers[1].token).status == 200


def test_a_role_of_one_environment_reaches_nothing_of_another(world: World) -> None:
    wrong = []
    before = world.rows(world.own, "prod")
    ids = {found for rows in before.values() for row in rows for found in UUID.findall(row)}
    common = {found for rows in world.rows(world.own, "dev").values() for row in rows for found in UUID.findall(row)}
    for role in ("viewer", "analyst", "engineer", "admin"):
        caller = world.registry.caller(world.own, (role, "dev"))
        for route in world.table.guarded:
            answer = world.table.call(world.client, route, world.own_prod, caller)
            may = world.table.may_somewhere(caller, route.permission)
            what = f"{route} as {role} of dev about prod: {answer.status}"
            if answer.status >= 500 or answer.status == 401 or (not may and answer.status != 403):
                wrong.append(what)
            if route.permission in world.table.of_environment and may and not route.reads:
                if answer.status < 400 and str(route) not in ONE_BY_ONE | PLACELESS:
                    wrong.append(f"{what}, although it changes or reads prod")
            text = without(answer.body.lower(), world.own_prod)
            if route.permission not in world.table.for_all and (
                    PROD in text or {each for each in UUID.findall(text) if each in ids - common}):
                wrong.append(f"{what} tells of prod: {text[:300]}")
    assert not wrong, lines(wrong)
    assert world.rows(world.own, "prod") == before, "something of prod was changed"


# They look at what was sent alone.
PLACELESS = {
    "POST /api/v1/schedules/preview", "POST /schedules/new/preview", "POST /schedules/{name}/preview",
    "POST /api/v1/sources/test"}


# Another organization


@pytest.mark.parametrize("role", ROLES)
def test_no_role_reaches_anything_of_another_organization(world: World, role: str) -> None:
    wrong = []
    caller = world.registry.caller(world.own, (role, "*"))
    before = world.rows(world.other)
    for things in (world.other_dev, Things("dev", world.other_dev.values, organization=RIVAL)):
        for route in with_heads(world.table.guarded):
            answer = world.table.call(world.client, route, things, caller)
            what = f"{route} as {role} of another organization: {answer.status}"
            may = world.table.may_somewhere(caller, route.permission)
            if answer.status >= 500 or answer.status == 401 or (not may and answer.status != 403):
                wrong.append(what)
            told = leaks(world, answer, things, world.other, RIVAL)
            if told:
                wrong.append(f"{what} tells {told}")
            operation = world.table.operation(route)
            names = things.organization and any(
                each["name"] == "organization" for each in operation.get("parameters", []))
            if may and (names or (route.captures and route.reads)):
                # Not even whether it is there can be told.
                nobodys = world.table.call(world.client, route, things.made_up(), caller)
                if answer.status != nobodys.status or not 400 <= answer.status < 500:
                    wrong.append(f"{what}, but {nobodys.status} for what is nobody's")
    assert not wrong, lines(wrong)
    assert world.rows(world.other) == before, "something of another organization was changed"


def test_owners_of_a_suspended_organization_reach_only_what_is_left_to_them(world: World) -> None:
    suspended = world.registry.organization("asleep")
    owner = world.registry.caller(suspended, ("owner", "*"))
    assert world.client.call("GET", "/api/v1/runs", token=owner.token).status == 200
    world.registry.connection.execute(
        "UPDATE weir.organizations SET state = 'suspended', state_reason = 'unpaid' WHERE organization_id = %s",
        (suspended.id,))
    wait_for(lambda: world.client.call("GET", "/api/v1/runs", token=owner.token).status == 403, 6, "the suspension")
    wrong = []
    for route in world.table.guarded:
        answer = world.table.call(world.client, route, world.own_dev.made_up(), owner)
        if (answer.status == 403) == (route.permission in WHEN_SUSPENDED) or answer.status >= 500:
            wrong.append(f"{route}: {answer.status}")
    assert not wrong, lines(wrong)


# The own organization, last: it changes and removes


def test_every_route_is_reached_by_these_requests(world: World) -> None:
    wrong = []
    routes = sorted(world.table.guarded, key=lambda route: ("delete" in str(route).lower() or "remove" in route.path))
    for route in routes:
        answer = world.table.call(world.client, route, world.own_dev, world.owner)
        missing = ("The API has no such address.", "There is no page at this address.")
        if answer.status in (401, 403, 405) or answer.status >= 500 or any(each in answer.body for each in missing):
            wrong.append(f"{route}: {answer.status} {answer.body[:200]}")
    assert not wrong, lines(wrong)
