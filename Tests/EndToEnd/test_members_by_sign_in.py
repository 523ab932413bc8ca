"""Who belongs to an organization by its issuers, its rules and its company's directory, and who does not any more."""
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from callers import Caller, Client, Registry
from house import House
from providers import Provider
from signing_in import add_issuer, add_rule, grants, rows
from visitor import Visitor

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8").start()


@pytest.fixture(scope="module")
def odd(house: House) -> Iterator[Provider]:
    provider = Provider("provider.py")
    add_issuer(house, "odd", provider.issuer)
    add_rule(house, "odd", "--domain", "acme.example", "--role", "viewer")
    yield provider
    provider.end()


def application(house: House) -> psycopg.Connection:
    """As the application's role, which row-level security holds."""
    return psycopg.connect(
        host=str(house.folder / "postgres"), port=5432, dbname="weirhouse", user="weir_app",
        password=(house.folder / "postgres.app.password").read_text().strip(), autocommit=True)


def test_a_directory_takes_access_away_at_once(house: House, odd: Provider):
    visitor = Visitor(house.address)
    odd.tell("set", claims={"sub": "dora", "email": "dora@acme.example", "name": "Dora"})
    visitor.sign_in("odd")
    assert visitor.is_signed_in
    token = "weir_token_" + secrets.token_urlsafe(32)
    with house.metadata() as connection:
        connection.execute("SET row_security = off")
        connection.execute(
            """INSERT INTO weir.credentials (hash, kind, organization_id, principal_id)
               SELECT %s, 'token', organization_id, principal_id FROM weir.principals WHERE email = 'dora@acme.example'""",
            [hashlib.sha256(token.encode()).digest()])
    asks = {"Authorization": f"Bearer {token}"}
    assert Visitor(house.address).get("/api/v1/runs", **asks).status == 200
    assert Visitor(house.address).get("/scim/v2/Users", **asks).status == 403

    found = house.get("/scim/v2/Users?filter=userName+eq+%22dora%40acme.example%22")
    assert found["totalResults"] == 1
    user = found["Resources"][0]
    assert (user["active"], user["displayName"]) == (True, "Dora")
    patched = house.call("PATCH", f"/scim/v2/Users/{user['id']}", {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "active", "value": "False"}]})
    assert patched["active"] is False
    assert not visitor.is_signed_in
    assert Visitor(house.address).get("/api/v1/runs", **asks).status == 401
    again = Visitor(house.address).sign_in("odd")
    assert (again.status, "Your access was taken away" in again.words) == (403, True), again.words
    # And back: the rules give the roles again.
    house.call("PATCH", f"/scim/v2/Users/{user['id']}", {"Operations": [{"op": "replace", "value": {"active": True}}]})
    assert visitor.sign_in("odd").status == 303
    house.call("DELETE", f"/scim/v2/Users/{user['id']}")
    assert not visitor.is_signed_in
    odd.tell("set")


def test_a_directory_makes_people_who_may_do_nothing_yet(house: House):
    made = house.call("POST", "/scim/v2/Users", {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "Erna@acme.example",
        "name": {"givenName": "Erna", "familyName": "E"}, "active": True})
    assert (made["userName"], made["displayName"]) == ("erna@acme.example", "Erna E")
    assert grants(house, "erna@acme.example") == []
    put = house.call("PUT", f"/scim/v2/Users/{made['id']}", {"userName": "erna@acme.example", "displayName": "E. E."})
    assert (put["displayName"], put["active"]) == ("E. E.", True)


def test_an_issuer_is_set_up_only_if_it_is_one(house: House, odd: Provider):
    for issuer, words in [
        (odd.issuer + "/", "calls itself"), ("http://login.example.com", "https://"), ("https://127.0.0.1:1", "answers"),
        (house.address, "does not give its description"),
    ]:
        said = house.weir("issuers", "add", "wrong", issuer, "--client-id", "x")
        assert said.status == 1 and words in said.err, said.err
    names = [issuer["name"] for issuer in house.weir("issuers", "--json").json["issuers"]]
    assert "wrong" not in names and "odd" in names
    tested = house.weir("issuers", "test", "odd")
    assert tested.status == 0 and "answers" in tested.out, tested.err
    other = house.weir("issuers", "add", "odd", odd.issuer, "--client-id", "another")
    assert other.status == 1 and "another provider or client" in other.err


def test_an_organizations_own_issuer_is_its_own(house: House):
    """Found by the domain of an e-mail address, not shown to everybody, and of no use to another organization."""
    token = "weir_token_" + secrets.token_urlsafe(32)
    with house.metadata() as connection:
        connection.execute(
            "SELECT weir.ensure_organization_with_owner('third', 'owner', gen_random_uuid(), gen_random_uuid())")
        connection.execute("SET row_security = off")
        connection.execute(
            """UPDATE weir.principals SET kind = 'service' FROM weir.organizations o
               WHERE o.organization_id = principals.organization_id AND o.slug = 'third'""")
        connection.execute(
            """INSERT INTO weir.credentials (hash, kind, organization_id, principal_id)
               SELECT %s, 'token', p.organization_id, p.principal_id FROM weir.principals p
               JOIN weir.organizations o USING (organization_id) WHERE o.slug = 'third'""",
            [hashlib.sha256(token.encode()).digest()])
    provider = Provider("provider.py")
    try:
        def call(method: str, path: str, body: dict[str, Any]) -> int:
            answer = Visitor(house.address).ask(
                method, path, None, json.dumps(body), Authorization=f"Bearer {token}",
                **{"Content-Type": "application/json"})
            return answer.status

        assert call("PUT", "/api/v1/issuers/thirds", {"issuer": provider.issuer, "client_id": "weirhouse"}) == 200
        rule = {"issuer": "thirds", "kind": "domain", "value": "third.example", "role": "viewer"}
        assert call("POST", "/api/v1/sign-in-rules", rule) == 201
        # Nor may it take over the shared one, or the other organization use this one.
        assert call("PUT", "/api/v1/issuers/odd", {"issuer": provider.issuer, "client_id": "weirhouse"}) == 409
        said = house.weir("sign-in-rules", "add", "thirds", "--domain", "x.example", "--role", "admin")
        assert said.status == 1 and "There is no issuer thirds" in said.err
        with application(house) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
            (acme,) = rows(house, "SELECT organization_id FROM weir.organizations WHERE slug = 'acme'")[0]
            connection.execute("SELECT set_config('app.organization', %s, false)", [str(acme)])
            connection.execute(
                """INSERT INTO weir.sign_in_rules (rule_id, organization_id, issuer_name, kind, value, role)
                   VALUES (gen_random_uuid(), %s, 'thirds', 'group', 'x', 'viewer')""", [acme])

        visitor = Visitor(house.address)
        assert "/sign-in/with/thirds" not in visitor.get("/sign-in").body
        found = visitor.ask("POST", "/sign-in/email", {"email": "x@third.example"})
        assert "/sign-in/with/thirds?email=x%40third.example" in found.body
        assert "Nobody signs in people of nobody.example" in visitor.ask(
            "POST", "/sign-in/email", {"email": "x@nobody.example"}).words
        provider.tell("set", claims={"email": "x@third.example"})
        assert visitor.sign_in("thirds").status == 303
        assert visitor.is_signed_in
        assert rows(house, """SELECT o.slug FROM weir.principals p JOIN weir.organizations o USING (organization_id)
                              WHERE p.email = 'x@third.example'""") == [("third",)]
        # It says that this is somebody of the first organization: its rules do not ask this issuer.
        provider.tell("set", claims={"sub": "y", "email": "alice@acme.example", "groups": ["eng", "data"]})
        assert Visitor(house.address).sign_in("thirds").status == 403
    finally:
        provider.end()


def test_a_rule_that_is_removed_takes_its_roles_with_it(house: House, odd: Provider):
    rule = add_rule(house, "odd", "--claim", "name=Fritz", "--role", "analyst")
    odd.tell("set", claims={"sub": "fritz", "email": "fritz@acme.example", "name": "Fritz"})
    Visitor(house.address).sign_in("odd")
    odd.tell("set")
    assert grants(house, "fritz@acme.example") == [("*", "analyst"), ("*", "viewer")]
    assert house.weir("sign-in-rules", "remove", rule).status == 0
    assert grants(house, "fritz@acme.example") == [("*", "viewer")]
    owner = house.weir("sign-in-rules", "add", "odd", "--domain", "x.example", "--role", "owner")
    assert owner.status == 1 and "must be one of admin" in owner.err


def test_an_admin_cannot_become_an_owner_by_an_issuer_of_their_own_or_the_directory(house: House):
    """Whoever sets up an issuer can write any address into an account there, and a directory any address into a user."""
    with house.metadata() as connection:
        registry = Registry(connection)
        fifth = registry.organization("fifth")
        admin, owner = registry.caller(fifth, ("admin", "*")), registry.caller(fifth, ("owner", "*"))
        narrow = registry.caller(fifth, ("owner", "*"), scopes=["signin.manage"])

    def call(who: Caller, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = Client(house).call(method, path, token=who.token, body=body)
        assert answer.status == status, answer.body
        return json.loads(answer.body) if answer.body else None

    for address, role in (("boss@fifth.example", "owner"), ("worker@fifth.example", "viewer")):
        call(owner, "POST", "/api/v1/members", {"email": address, "role": role}, 201)
    provider = Provider("provider.py")
    try:
        call(admin, "PUT", "/api/v1/issuers/fifths", {
            "issuer": provider.issuer, "client_id": "weirhouse", "trusted_domains": ["fifth.example"]})
        rule = {"issuer": "fifths", "kind": "domain", "value": "fifth.example", "role": "viewer"}
        call(admin, "POST", "/api/v1/sign-in-rules", rule, 201)
        provider.tell("set", claims={"sub": "mallory", "email": "boss@fifth.example", "name": "Mallory"})
        visitor = Visitor(house.address)
        refused = visitor.sign_in("fifths")
        assert (refused.status, "address of an owner of fifth" in refused.words) == (403, True), refused.words
        assert not visitor.is_signed_in
        assert rows(house, "SELECT state, person_id FROM weir.principals WHERE name = 'boss@fifth.example'") == [
            ("invited", None)]
        # Whom an admin could make themselves may come in like that.
        provider.tell("set", claims={"sub": "wendy", "email": "worker@fifth.example", "name": "Wendy"})
        assert visitor.sign_in("fifths").status == 303
        # Nor by giving a user of theirs the address, or an owner another one.
        users = call(admin, "GET", "/scim/v2/Users")["Resources"]
        boss, worker = (next(user for user in users if user["userName"].startswith(name)) for name in ("boss", "worker"))
        for body in ({"active": False}, {"userName": "mallory@fifth.example"}, {"displayName": "Gone"}):
            answer = call(admin, "PATCH", f"/scim/v2/Users/{boss['id']}", {"Operations": [{"op": "replace", "value": body}]}, 403)
            assert "owner" in answer["detail"]
        call(admin, "DELETE", f"/scim/v2/Users/{boss['id']}", status=403)
        assert rows(house, "SELECT state FROM weir.principals WHERE name = 'boss@fifth.example'") == [("invited",)]
        call(admin, "DELETE", f"/scim/v2/Users/{worker['id']}", status=204)
        # A directory that an owner has let in takes owners away too.
        call(narrow, "DELETE", f"/scim/v2/Users/{boss['id']}", status=204)
        assert rows(house, "SELECT state FROM weir.principals WHERE name = 'boss@fifth.example'") == [("deactivated",)]
    finally:
        provider.end()
