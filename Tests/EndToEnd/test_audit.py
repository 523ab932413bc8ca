"""Who did what: through the real binary, verified by a program that was written from docs/audit.md."""
from __future__ import annotations

import csv
import io
import json
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

import audit_verifier
from databases import SHOP, Database
from house import House, Refused

PLANTED = "pl4nted-s3cret"


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House], make_module_database: Callable[..., Database]) -> House:
    house = make_module_house().start()
    house.clone(make_module_database("shop", SHOP).url, "--source", "shop", "--tables", "notes")
    return house


def lines(house: House, **search: str) -> list[dict[str, Any]]:
    """The newest first."""
    query = "&".join(f"{name}={value}" for name, value in search.items())
    return house.get(f"/api/v1/audit?limit=500&{query}")["lines"]


def exported(house: House) -> list[str]:
    said = house.weir("audit", "export")
    assert said.status == 0, said.err
    return said.out.splitlines()


def member(house: House, role: str) -> str:
    """The token of somebody new with that role."""
    token, principal = f"member_{uuid.uuid4()}", uuid.uuid4()
    with house.metadata() as connection:
        organization = connection.execute("SELECT organization_id FROM weir.organizations WHERE slug = 'acme'").fetchone()[0]
        connection.execute(
            "INSERT INTO weir.principals (principal_id, organization_id, name, kind) VALUES (%s, %s, %s, 'service')",
            (principal, organization, f"{role} {principal}"))
        connection.execute(
            "INSERT INTO weir.grants (organization_id, principal_id, role) VALUES (%s, %s, %s)",
            (organization, principal, role))
        connection.execute(
            "INSERT INTO weir.credentials (hash, kind, organization_id, principal_id) VALUES (%s, 'token', %s, %s)",
            (sha256(token.encode()).digest(), organization, principal))
    return token


def ask(house: House, method: str, path: str, token: str, body: Any = None) -> int:
    """The status."""
    address = json.loads((house.folder / "server.json").read_text())["address"]
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        address + path, data, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def post(house: House, path: str, form: str = "", cookie: str = "") -> urllib.request.addinfourl:
    """As a browser posts a form; redirects are not followed."""
    address = json.loads((house.folder / "server.json").read_text())["address"]

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    request = urllib.request.Request(address + path, form.encode(), {"Origin": house.address, "Cookie": cookie, "User-Agent": "browser/1"})
    try:
        return urllib.request.build_opener(Stay).open(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


def test_the_clone_is_there_with_who_and_from_where(house: House) -> None:
    line = lines(house, action="clones.start")[-1]
    assert (line["who_kind"], line["outcome"], line["target"]) == ("local", "done", "dev/shop"), line
    assert line["address"] == "127.0.0.1" and line["who_id"] and line["credential_id"], line
    run = json.loads(line["after"])["run_id"]
    assert house.run(run)["run"]["correlation_id"] == line["correlation_id"]


def test_settings_are_told_before_and_after(house: House) -> None:
    body = {"source": "shop", "trigger": {"kind": "every", "minutes": 60}}
    house.call("PUT", "/api/v1/schedules/nightly", body)
    house.call("PUT", "/api/v1/schedules/nightly", body | {"trigger": {"kind": "every", "minutes": 90}})
    house.call("POST", "/api/v1/schedules/nightly/pause", {"because": "stocktaking"})
    house.call("DELETE", "/api/v1/schedules/nightly")
    delete, pause, change, make = lines(house, target="nightly")
    assert [line["action"] for line in (make, change, pause, delete)] == [
        "schedules.put", "schedules.put", "schedules.pause", "schedules.delete"]
    assert "before" not in make and "after" not in delete
    assert json.loads(change["before"]) == json.loads(make["after"])
    assert json.loads(change["after"])["trigger"]["minutes"] == 90
    assert json.loads(pause["after"])["paused_because"] == "stocktaking"
    assert json.loads(delete["before"]) == json.loads(pause["after"])
    house.call("PUT", "/api/v1/limits", {"key": "organization", "most": 3})
    house.call("PUT", "/api/v1/limits", {"key": "organization", "most": None})
    assert json.loads(lines(house, action="limits")[0]["before"])["most"] == 3
    window = {"key": "organization", "expression": "0 2 * * 6", "minutes": 60}
    house.call("PUT", "/api/v1/maintenance-windows/weekend", window)
    house.call("DELETE", "/api/v1/maintenance-windows/weekend")
    assert json.loads(lines(house, action="windows.delete")[0]["before"])["expression"] == "0 2 * * 6"
    made = house.call("PUT", "/api/v1/expectations", {"source": "shop", "fresh_within_minutes": 60})
    house.call("PUT", "/api/v1/expectations", {"source": "shop", "fresh_within_minutes": 90})
    assert json.loads(lines(house, action="expectations.put")[0]["before"])["fresh_within_minutes"] == 60
    house.call("DELETE", f"/api/v1/expectations/{made['expectation_id']}")


def test_what_failed_and_what_was_refused_is_there_too(house: House) -> None:
    with pytest.raises(Refused):
        house.call("POST", "/api/v1/schedules/nobody/pause", {})
    failed = lines(house, target="nobody")[0]
    assert (failed["outcome"], failed["problem"], failed["action"]) == ("failed", "not_found", "schedules.pause")
    with pytest.raises(Refused):
        house.query("DROP TABLE x")
    assert lines(house, action="data.query")[0]["outcome"] == "refused"


def test_everything_that_changes_something_leaves_a_line_of_who_was_refused(house: House) -> None:
    """Each route that is no reading one, as the document has it, called by somebody who may nothing."""
    token = member(house, "billing")
    document = house.get("/api/v1/openapi.json")
    called = 0
    # A literal path that a route with captures answers too (`schedules/preview`) is entered as that route.
    routes = {words["operationId"]: f"{method.upper()} {path}"
              for path, methods in document["paths"].items() for method, words in methods.items()}
    for path, methods in document["paths"].items():
        for method, words in methods.items():
            permission = words.get("x-weir-permission", "")
            if not permission or permission.endswith(".read") or permission in ("account.manage", "billing.manage"):
                continue
            filled = re.sub(r"\{\w+\}", str(uuid.uuid4()), path)
            before = lines(house)[0]["sequence"]
            assert ask(house, method.upper(), filled, token, {} if "requestBody" in words else None) == 403, path
            newest = lines(house)[0]
            assert newest["sequence"] > before, f"{method} {path} left no line"
            assert (newest["outcome"], newest["problem"]) == ("refused", "forbidden"), newest
            assert newest["who"].startswith("billing ") and newest["target"] == routes[words["operationId"].split("Called")[0]], newest
            called += 1
    assert called >= 20
    assert ask(house, "GET", "/api/v1/audit", member(house, "engineer")) == 403
    assert ask(house, "GET", "/api/v1/audit", member(house, "admin")) == 200
    assert ask(house, "GET", "/api/v1/audit?chain=house", member(house, "owner")) == 403


def test_of_sql_only_the_hash_and_the_length_are_kept(house: House) -> None:
    sql = f"SELECT '{PLANTED} ü' AS a"
    house.query(sql)
    after = json.loads(lines(house, action="data.query")[0]["after"])
    assert after == {
        "sql_sha256": sha256(sql.encode()).hexdigest(), "sql_bytes": len(sql.encode()), "format": "json"}
    house.weir("query", sql, "--format", "csv")
    assert json.loads(lines(house, action="data.export")[0]["after"])["format"] == "csv"


def test_sign_in_sign_out_and_a_refused_sign_in(house: House) -> None:
    code = house.weir("sign-in-link").out.strip().rsplit("/", 1)[1]
    opened = post(house, f"/sign-in/{code}")
    cookie = opened.headers["Set-Cookie"].split(";")[0]
    newest = lines(house, action="signin")[0]
    assert (newest["action"], newest["outcome"], newest["user_agent"]) == ("signin.open", "done", "browser/1")
    credential = newest["credential_id"]
    post(house, "/sign-out", cookie=cookie)
    newest = lines(house, action="signin")[0]
    assert (newest["action"], newest["credential_id"]) == ("signin.close", credential)
    assert post(house, f"/sign-in/{code}").status == 401
    refused = lines(house, chain="house")[0]
    assert (refused["action"], refused["outcome"], refused["who"]) == ("signin.open", "refused", "nobody")
    assert house.weir("audit", "verify", "--house").status == 0
    assert code not in json.dumps(lines(house)) + json.dumps(lines(house, chain="house"))


def test_search_finds_by_each_field_and_pages_hold_each_line_once(house: House) -> None:
    everything = lines(house)
    for name, value in (("action", "schedules"), ("outcome", "failed"), ("target", "NIGHT"), ("who", "billing"),
                        ("text", "stocktaking")):
        found = lines(house, **{name: value})
        assert 0 < len(found) < len(everything), name
    assert {line["action"].split(".")[0] for line in lines(house, action="schedules")} == {"schedules"}
    assert lines(house, text="%25") == [] and lines(house, **{"from": "2999-01-01"}) == []
    today = everything[0]["at"][:10]
    assert len(lines(house, **{"from": everything[-1]["at"][:10], "until": today})) == len(lines(house))
    pages, before = [], ""
    while before is not None:
        page = house.get(f"/api/v1/audit?limit=7{before and '&before=' + before}")
        pages += [line["sequence"] for line in page["lines"]]
        before = page.get("next")
    assert pages == [line["sequence"] for line in lines(house)] and len(pages) > 14
    for wrong in ("from=yesterday", "before=x"):
        with pytest.raises(Refused) as refused:
            house.get(f"/api/v1/audit?{wrong}")
        assert refused.value.status == 400
    text = house.weir("audit", "--action", "schedules.pause").out
    assert "nightly" in text and "schedules.pause" in text
    line = lines(house, action="schedules.pause", outcome="done")[0]
    shown = house.weir("audit", "show", str(line["sequence"])).out
    assert "- is_paused: no" in shown and "+ is_paused: yes" in shown


def test_an_export_verifies_elsewhere_and_any_change_of_it_does_not(house: House) -> None:
    chain = exported(house)
    assert len(chain) > 20 and audit_verifier.faults(chain) == []
    head = house.weir("audit", "head").out.strip()
    last = json.loads(chain[-1])
    assert f"{last['sequence']}:{last['hash']}" != head, "the export itself is entered"
    for at in (0, len(chain) // 2, len(chain) - 1):
        line = json.loads(chain[at])
        for key, value in line.items():
            if key == "hash":
                changed = line | {key: value[::-1]}
            elif isinstance(value, int):
                changed = line | {key: value + 1}
            else:
                changed = line | {key: value + "x"}
            assert audit_verifier.faults(chain[:at] + [json.dumps(changed)] + chain[at + 1:]), key
        if at < len(chain) - 1:
            assert audit_verifier.faults(chain[:at] + chain[at + 1:])
            assert audit_verifier.faults(chain[:at] + [chain[at + 1], chain[at]] + chain[at + 2:])


def test_a_csv_holds_no_formula(house: House) -> None:
    for because in ("=cmd|' /C calc'!A0", "+1", "-1", "@x"):
        with pytest.raises(Refused):
            house.call("DELETE", "/api/v1/maintenance-windows/" + urllib.request.quote(because, safe=""))
    said = house.weir("audit", "export", "--format", "csv", "--action", "windows.delete")
    rows = list(csv.reader(io.StringIO(said.out)))
    assert rows[0][:3] == ["sequence", "at", "who"] and all(len(row) == len(rows[0]) for row in rows)
    cells = [cell for row in rows for cell in row]
    assert "'=cmd|' /C calc'!A0" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t")]


def test_verify_names_what_was_changed_behind_its_back(house: House) -> None:
    head = house.weir("audit", "head").out.strip()
    said = house.weir("audit", "verify", "--since-head", head)
    assert said.status == 0 and said.out.startswith("Whole: "), said.out + said.err
    with house.metadata() as connection:
        with pytest.raises(Exception, match="neither changed nor removed"):
            connection.execute("UPDATE weir.audit_lines SET who = 'mallory' WHERE sequence = 3")
        connection.execute("ALTER TABLE weir.audit_lines DISABLE TRIGGER ALL")
        chain = "organization_id = (SELECT organization_id FROM weir.organizations WHERE slug = 'acme')"
        connection.execute(f"UPDATE weir.audit_lines SET who = who || 'x' WHERE sequence = 3 AND {chain}")
        connection.execute(f"CREATE TABLE public.gone AS SELECT * FROM weir.audit_lines WHERE sequence = 5 AND {chain}")
        connection.execute(f"DELETE FROM weir.audit_lines WHERE sequence = 5 AND {chain}")
        try:
            said = house.weir("audit", "verify")
            assert said.status == 1
            assert "Line 3 was changed" in said.out and "Line 5 was removed" in said.out, said.out
            found = house.get("/api/v1/audit/verification")
            assert [(fault["kind"], fault["sequence"]) for fault in found["faults"]] == [("changed", 3), ("missing", 5)]
        finally:
            connection.execute(
                f"UPDATE weir.audit_lines SET who = left(who, -1) WHERE sequence = 3 AND {chain}")
            connection.execute("INSERT INTO weir.audit_lines SELECT * FROM public.gone")
            connection.execute("DROP TABLE public.gone")
            connection.execute(
                "ALTER TABLE weir.audit_lines ENABLE ALWAYS TRIGGER keep, ENABLE ALWAYS TRIGGER keep_all")
    assert house.weir("audit", "verify").status == 0


def test_no_secret_is_in_it(house: House) -> None:
    with pytest.raises(Refused):
        house.call("POST", "/api/v1/clones", {"url": f"postgresql://u:{PLANTED}@127.0.0.1:1/db"})
    with pytest.raises(Refused):
        house.call("POST", "/api/v1/sources/test", {"url": f"postgresql://u:{PLANTED}@127.0.0.1:1/db"})
    with pytest.raises(Refused):
        house.call("POST", "/api/v1/subscriptions", {"channel": "webhook", "target": f"https://127.0.0.1/{PLANTED}"})
    with pytest.raises(Refused):
        house.call("PUT", "/api/v1/schedules/bucket", {
            "source": "shop", "trigger": {"kind": "file", "location": "s3://b/p"},
            "credentials": {"access_key_id": PLANTED, "secret_access_key": PLANTED}})
    text = "\n".join(exported(house))
    assert "clones.start" in text and "127.0.0.1" in text and "subscriptions.add" in text
    assert PLANTED not in text


def test_what_cannot_be_entered_is_not_told_to_be_done(house: House) -> None:
    with house.metadata() as connection:
        connection.execute("ALTER FUNCTION weir.append_audit(jsonb) RENAME TO append_audit_away")
        try:
            with pytest.raises(Refused) as refused:
                house.call("PUT", "/api/v1/limits", {"key": "organization", "most": 5})
            assert refused.value.code == "metadata_unavailable"
            assert refused.value.detail == "It was done, but could not be entered in the audit."
        finally:
            connection.execute("ALTER FUNCTION weir.append_audit_away(jsonb) RENAME TO append_audit")
    house.call("PUT", "/api/v1/limits", {"key": "organization", "most": None})
    assert house.weir("audit", "verify").status == 0


def test_how_long_lines_are_kept_is_set_and_entered(house: House) -> None:
    assert house.weir("audit", "keep", "365").status == 0
    assert house.get("/api/v1/audit/head")["keep_days"] == 365
    line = lines(house, action="audit.keep")[0]
    assert (json.loads(line["before"]), json.loads(line["after"])) == ({"keep_days": 730}, {"keep_days": 365})
