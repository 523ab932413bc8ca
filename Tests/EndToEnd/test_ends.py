"""What must be over is over wherever it ends, what must go on goes on, and the audit says so: members who are shut out,
erased, removed; issuers and organizations that go; services, which have no browser."""
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from callers import Caller, Client, Registry, call
from house import House, Refused
from providers import Provider
from signing_in import add_issuer, add_rule, rows
from visitor import Visitor

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8").start()


@pytest.fixture(scope="module")
def odd(house: House) -> Iterator[Provider]:
    """An issuer that all organizations share."""
    provider = Provider("provider.py")
    add_issuer(house, "odd", provider.issuer)
    add_rule(house, "odd", "--domain", "acme.example", "--role", "viewer")
    yield provider
    provider.end()


def enrol(connection: psycopg.Connection) -> Registry:
    """Names whoever it makes as no other does."""
    return Registry(connection, made=uuid.uuid4().int)


def other(house: House, role: str = "owner") -> tuple[str, Caller]:
    """Another organization, with somebody in it."""
    with house.metadata() as connection:
        registry = enrol(connection)
        slug = f"other{uuid.uuid4().hex[:8]}"
        return slug, registry.member(registry.organization(slug), (role, "*"))


def lines(house: House, slug: str | None, action: str) -> list[dict[str, Any]]:
    """Of a chain, the newest first; of the house's own if it is of no organization."""
    return [row[0] for row in rows(house, f"""
        SELECT to_jsonb(l) FROM weir.audit_lines l LEFT JOIN weir.organizations o USING (organization_id)
        WHERE o.slug {f"= '{slug}'" if slug else 'IS NULL'} AND l.action = '{action}' ORDER BY l.sequence DESC""")]


def join(house: House, address: str, role: str, **headers: str) -> Visitor:
    link = urlsplit(house.call("POST", "/api/v1/members", {"email": address, "role": role})["join_url"]).path
    visitor = Visitor(house.address)
    answer = visitor.ask("POST", link, {"display": "Somebody"}, **headers)
    assert answer.status == 303, answer.words
    return visitor


def test_a_long_browsers_name_does_not_use_a_link_up_for_nothing(house: House) -> None:
    visitor = join(house, "long@acme.example", "viewer", **{"User-Agent": "Mozilla/5.0 " + "é" * 300})
    assert visitor.is_signed_in


def test_whoever_joined_by_an_invitation_is_a_person(house: House) -> None:
    visitor = join(house, "ana@acme.example", "engineer")
    page = visitor.get("/account")
    assert "Erase" in page.words, page.words
    answer = visitor.get("/account/export")
    assert answer.status == 200 and "ana@acme.example" in answer.body
    assert lines(house, "acme", "account.export")[0]["who_kind"] == "person"


def test_the_directory_goes_on_after_somebody_is_erased(house: House) -> None:
    with house.metadata() as connection:
        registry = enrol(connection)
        dora = registry.member(registry.organization("acme"), ("viewer", "*"))
    token = house.call("POST", "/api/v1/tokens", {"name": "directory", "scopes": ["signin.manage"]})["secret"]
    listed = Client(house).call("GET", "/scim/v2/Users", token=token)
    assert listed.status == 200 and dora.principal in listed.body
    name = call(house, dora, "GET", "/api/v1/account")["name"]
    call(house, dora, "POST", "/api/v1/account/erase", {"confirm": name}, 204)
    listed = Client(house).call("GET", "/scim/v2/Users", token=token)
    assert listed.status == 200 and dora.principal not in listed.body, listed.body
    assert Client(house).call("GET", f"/scim/v2/Users/{dora.principal}", token=token).status == 404


@pytest.mark.parametrize("way", ["members", "directory"])
def test_whoever_is_shut_out_gets_neither_tokens_nor_mail(house: House, way: str) -> None:
    address = f"gone.{way}@acme.example"
    visitor = join(house, address, "engineer")
    member = next(m for m in house.get("/api/v1/members")["members"] if m["name"] == address)["member_id"]
    device = json.loads(Client(house).call("POST", "/api/v1/device", body={"machine": "laptop"}).body)
    page = visitor.ask("POST", "/device", {"code": device["user_code"]})
    assert page.status in (200, 303), page.words
    rows(house, f"""UPDATE weir.device_requests SET state = 'approved', principal_id = '{member}', organization_id =
        (SELECT organization_id FROM weir.organizations WHERE slug = 'acme'), scopes = '{{all}}', lifetime = '90 days'
        WHERE state = 'pending' RETURNING 1""")
    rows(house, f"""INSERT INTO weir.subscriptions (subscription_id, organization_id, principal_id, channel, target, events)
        SELECT gen_random_uuid(), organization_id, '{member}', 'email', 'another@home.example', '{{run.failed}}'
        FROM weir.organizations WHERE slug = 'acme' RETURNING 1""")
    if way == "members":
        house.call("POST", f"/api/v1/members/{member}/deactivate", {})
    else:
        patch = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                 "Operations": [{"op": "replace", "path": "active", "value": False}]}
        token = house.call("POST", "/api/v1/tokens", {"name": "scim", "scopes": ["signin.manage"]})["secret"]
        assert Client(house).call("PATCH", f"/scim/v2/Users/{member}", token=token, body=patch).status == 200
    assert not visitor.is_signed_in
    for table in ("subscriptions", "device_requests", "credentials"):
        assert rows(house, f"SELECT count(*) FROM weir.{table} WHERE principal_id = '{member}'") == [(0,)], table


def test_a_removed_member_leaves_no_person_behind(house: House, odd: Provider) -> None:
    odd.tell("set", claims={"sub": "eve", "email": "eve@acme.example", "name": "Eve"})
    assert Visitor(house.address).sign_in("odd").status == 303
    odd.tell("set")
    kept = "SELECT count(*) FROM weir.people h JOIN weir.identities USING (person_id) WHERE h.email = 'eve@acme.example'"
    assert rows(house, kept) == [(1,)]
    given = lines(house, "acme", "members.rule_grant")[0]
    assert (given["who_kind"], given["target"], given["after"]["role"]) == ("system", "eve@acme.example", "viewer")
    assert lines(house, "acme", "signin.open")[0]["target"] == "odd"
    house.call("DELETE", "/api/v1/members/eve@acme.example")
    assert rows(house, kept) == [(0,)]


def test_an_organization_stays_while_others_come_in_through_its_issuer(house: House, odd: Provider) -> None:
    slug, admin = other(house)
    rule = {"issuer": "odd", "kind": "domain", "value": "other.example", "role": "viewer"}
    made = call(house, admin, "POST", "/api/v1/sign-in-rules", rule, 201)
    with pytest.raises(Refused) as refused:
        house.call("DELETE", "/api/v1/organizations/acme")
    assert (refused.value.status, "through odd" in refused.value.detail) == (409, True), refused.value
    assert house.get("/api/v1/organizations/acme")["state"] == "active"
    call(house, admin, "DELETE", f"/api/v1/sign-in-rules/{made['rule_id']}", None, 204)
    house.call("DELETE", "/api/v1/organizations/acme")
    try:
        # In the time of grace nobody can come to rely on it.
        assert call(house, admin, "GET", "/api/v1/issuers")["issuers"] == []
        call(house, admin, "POST", "/api/v1/sign-in-rules", rule, 404)
    finally:
        house.call("POST", "/api/v1/organizations/acme/restore", {})


def test_a_client_secret_goes_with_its_issuer_and_no_other_way(house: House) -> None:
    provider = Provider("provider.py")
    try:
        house.call("PUT", "/api/v1/issuers/secretive", {
            "issuer": provider.issuer, "client_id": "secretive", "client_secret": "a client's secret"})
        found = next(s for s in house.get("/api/v1/secrets")["secrets"] if s["name"] == "issuer/secretive")
        assert (found["kind"], found["is_revocable"], len(found["uses"])) == ("issuer", False, 1), found
        with pytest.raises(Refused) as refused:
            house.call("DELETE", "/api/v1/secrets/issuer%2Fsecretive")
        assert refused.value.status == 403, refused.value
        house.call("DELETE", "/api/v1/issuers/secretive")
        assert "issuer/secretive" not in [s["name"] for s in house.get("/api/v1/secrets")["secrets"]]
    finally:
        provider.end()


def test_the_only_owner_of_what_is_being_deleted_can_be_erased(house: House) -> None:
    slug, owner = other(house)
    with house.metadata() as connection:
        # Nobody but the founder, who is a service there, and the owner.
        connection.execute("DELETE FROM weir.grants g USING weir.principals p WHERE g.principal_id = p.principal_id "
                           "AND p.name = 'founder' AND g.organization_id = %s", (owner.organization.id,))
        registry = enrol(connection)
        elsewhere = registry.caller(registry.organization("acme"), ("viewer", "*"))
        connection.execute("UPDATE weir.principals SET kind = 'person', person_id = %s, email = 'else@acme.example' "
                           "WHERE principal_id = %s", (owner.person, elsewhere.principal))
    name = call(house, owner, "GET", "/api/v1/account")["name"]
    call(house, owner, "POST", "/api/v1/account/erase", {"confirm": name}, 409)
    call(house, owner, "DELETE", f"/api/v1/organizations/{slug}")
    call(house, owner, "POST", "/api/v1/account/erase", {"confirm": name}, 204)
    # The other organization is told too.
    assert lines(house, "acme", "account.erase")[0]["who"].startswith("erased person")


def test_a_token_to_read_reads_and_a_service_has_no_browser(house: House) -> None:
    token = house.call("POST", "/api/v1/tokens", {"name": "reads", "scopes": ["read"]})["secret"]
    for path in ("/api/v1/members", "/api/v1/organizations/acme", "/api/v1/organizations/acme/members"):
        answer = Client(house).call("GET", path, token=token)
        assert answer.status in (200, 404), f"{path}: {answer.body}"
    assert Client(house).call("GET", "/api/v1/members", token=token).status == 200
    with house.metadata() as connection:
        registry = enrol(connection)
        service = registry.caller(registry.organization("acme"), ("admin", "*"))
    answer = call(house, service, "POST", "/api/v1/sign-in-codes", {}, 403)
    assert "no browser" in answer["detail"]


def test_who_switches_is_in_the_audit_of_where_they_are_then(house: House) -> None:
    slug, owner = other(house)
    with house.metadata() as connection:
        registry = enrol(connection)
        here = registry.caller(registry.organization("acme"), ("viewer", "*"))
        connection.execute("UPDATE weir.principals SET kind = 'person', person_id = %s, email = 'two@acme.example' "
                           "WHERE principal_id = %s", (owner.person, here.principal))
    visitor = Visitor(house.address)
    visitor.cookies[urlsplit(house.address).netloc] = {"weir_session": here.session}
    assert visitor.ask("POST", "/organizations/switch", {"slug": slug}).status == 303
    assert lines(house, slug, "signin.open")[0]["target"] == "a session in acme"
