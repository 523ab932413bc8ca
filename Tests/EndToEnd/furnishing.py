"""One of each thing that an organization can hold, all of whose names hold a mark: for tests of who is told of them."""
from __future__ import annotations

from typing import Any

from callers import Caller, Client, Registry
from databases import Database
from house import House
from processes import wait_for


def source_of(mark: str) -> str:
    return f"""
        CREATE TABLE {mark}_orders (id int PRIMARY KEY, {mark}_note text NOT NULL, placed_at timestamptz NOT NULL);
        INSERT INTO {mark}_orders
          SELECT n, '{mark} value ' || n, timestamptz '2026-01-01 00:00+00' + n * interval '1 day'
          FROM generate_series(1, 40) n;
    """


class Furnisher:
    """Makes things as an owner."""

    def __init__(self, house: House, registry: Registry, client: Client, owner: Caller):
        self.house, self.registry, self.client, self.owner = house, registry, client, owner

    def call(self, method: str, path: str, body: object = None, query: dict[str, str] | None = None) -> Any:
        """The answer's JSON."""
        whole = path if path.startswith("/scim/") else f"/api/v1{path}"
        answer = self.client.call(method, whole, token=self.owner.token, body=body, query=query)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body}"
        return answer.json if answer.body else None

    def environment(self, database: Database, mark: str, environment: str) -> dict[str, str]:
        """A clone and what hangs on it."""
        source, place = f"{mark}_source", {"environment": environment}
        run = self.call("POST", "/clones", {"url": database.url, "source": source, **place})["run_id"]
        over = ("SUCCESS", "FAILED", "RETRYABLE")
        ended = wait_for(
            lambda: (state := self.call("GET", f"/runs/{run}")["run"]["state"]) in over and state, 150,
            f"the clone of {mark}")
        assert ended == "SUCCESS", self.house.log_tail()
        schedule, window = f"{mark}_yearly", f"{mark}_window"
        self.call("PUT", f"/schedules/{schedule}", {
            "source": source, **place, "trigger": {"kind": "cron", "expression": "0 0 1 1 *"}})
        self.call("POST", f"/schedules/{schedule}/pause", {"because": f"{mark} because"})
        subscription = self.call("POST", "/subscriptions", {
            "channel": "webhook", "target": f"http://127.0.0.1:9/{mark}", "source": source, **place})
        expectation = self.call("PUT", "/expectations", {"source": source, **place, "fresh_within_minutes": 500_000})
        key = f"source/{environment}/{source}"
        self.call("PUT", "/limits", {"key": key, "most": 7})
        self.call("PUT", f"/maintenance-windows/{window}", {
            "key": key, "expression": "0 0 1 1 *", "minutes": 5, "because": f"{mark} because"})
        dashboard = self.call("GET", f"/dashboards/{source}", query=place)
        return {
            "runs": run, "schedules": schedule, "maintenance-windows": window, "windows": window, "sources": source,
            "subscriptions": subscription["subscription"]["subscription_id"],
            "expectations": expectation["expectation_id"], "dashboards": source,
            "charts": dashboard["charts"][0]["id"], "tables": "RAW", "{schema}": f"{source}__{mark}_orders",
            "secrets": key.replace("/", "%2F"), "environments": environment}

    def organization(self, provider: str, mark: str) -> dict[str, str]:
        """Members, credentials and ways to sign in. `provider`: an issuer's address."""
        slug, issuer, service = self.owner.organization.slug, f"{mark}-issuer", f"{mark}-service"
        self.call("PUT", f"/organizations/{slug}", {"name": f"{mark} Ltd"})
        # A browser that signs in carries the client's id: it holds no mark.
        self.call("PUT", f"/issuers/{issuer}", {
            "issuer": provider, "client_id": f"client of {slug}", "label": f"{mark} label"})
        rule = self.call("POST", "/sign-in-rules", {
            "issuer": issuer, "kind": "domain", "value": f"{mark}.example", "role": "viewer"})["rule_id"]
        self.call("POST", "/services", {"name": service, "roles": [{"role": "viewer"}]})
        token = self.call("POST", "/tokens", {"name": f"{mark} token", "scopes": ["read"]})["token"]["token_id"]
        session = self.registry.credential("session", self.owner.organization, self.owner.principal)
        member = self.call("POST", "/members", {"email": f"{mark}.member@{mark}.example", "role": "viewer"})
        invited = self.call("POST", "/members", {"email": f"{mark}.guest@{mark}.example", "role": "viewer"})
        user = self.call("POST", "/scim/v2/Users", {
            "userName": f"{mark}.user@{mark}.example", "displayName": f"{mark} user"})
        member_id = member["member"]["member_id"]
        return {
            "organizations": slug, "issuers": issuer, "with": issuer, "backchannel": issuer, "callback": issuer,
            "sign-in-rules": rule,
            "services": service, "tokens": token, "sessions": self.registry.id_of(session), "members": member_id,
            "people": member_id, "join": invited["join_url"].rpartition("/")[2], "Users": user["id"], "lines": "1",
            "sign-in": self.call("POST", "/sign-in-codes")["code"], "assets": "0", "{hash}": "x.js"}
