"""The server's edge: host names, proxies, sizes, slow clients, guessing, and whom a clone may reach."""
import json
import socket
import time
from collections.abc import Callable

import pytest

from databases import Database
from edge import dial, get, parse, read_all, read_one, say
from house import House, Refused
from processes import wait_for
from test_bad_input import one_line

pytestmark = pytest.mark.timeout(150)


def address_of(house: House) -> str:
    return house.weir("sign-in-link").out.strip().rsplit("/sign-in/", 1)[0]


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


@pytest.fixture(scope="module")
def address(house: House) -> str:
    return address_of(house)


def token(house: House) -> str:
    return (house.folder / "token").read_text().strip()


# Names in Host


PATHS = ["/", "/sign-in", "/api/v1/status", "/api/nope", "/nope", "/metrics", "/health/live"]


@pytest.mark.parametrize("path", PATHS)
def test_only_our_own_names_are_answered(address: str, path: str) -> None:
    port = address.rsplit(":", 1)[1]
    for host in ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "LOCALHOST.", "localhost:9"):
        assert get(address, path, host=host).status != 421, host
    for host in ("evil.test", f"evil.test:{port}", "localhost.evil.test", "127.0.0.1.evil.test", "10.0.0.1", "0.0.0.0"):
        told = get(address, path, f"X-Forwarded-Host: localhost:{port}", "Forwarded: host=localhost", host=host)
        assert told.status == 421, host
        assert "evil" not in told.body and told.body.strip().count("\n") == 0
        assert "set-cookie" not in told.fields


def test_a_request_has_one_host(address: str) -> None:
    for lines in (["GET / HTTP/1.1"], ["GET / HTTP/1.1", "Host: localhost", "Host: evil.test"],
                  ["GET / HTTP/1.1", "Host: localhost, evil.test"], ["GET / HTTP/1.1", "Host: local host"],
                  ["GET / HTTP/1.1", "Host: a@localhost"], ["GET / HTTP/1.1", "Host:"], ["GET / HTTP/1.0"]):
        assert say(address, *lines).status == 400, lines


def test_names_that_the_operator_gives_are_answered(make_house: Callable[..., House]) -> None:
    house = make_house(WEIR_PUBLIC_URL="https://weir.acme.example/", WEIR_ALLOWED_HOSTS="data.acme.example").start()
    link = house.weir("sign-in-link").out.strip()
    assert link.startswith("https://weir.acme.example/sign-in/"), "links are never made of what a request says"
    running = house.get("/api/v1/status")  # by 127.0.0.1
    assert running["healthy"] in (True, False)
    local = wait_for(lambda: json.loads((house.folder / "server.json").read_text())["address"])
    for host in ("weir.acme.example", "WEIR.acme.example:443", "data.acme.example"):
        assert get(local, "/sign-in", host=host).status == 200
    assert get(local, "/sign-in", host="acme.example").status == 421


def test_nothing_that_a_request_says_of_itself_is_believed(address: str) -> None:
    lies = ["X-Forwarded-Proto: https", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil.test",
            "Forwarded: for=1.2.3.4;proto=https;host=evil.test", "X-Original-URL: /runs", "X-Forwarded-Prefix: /evil"]
    told = get(address, "/runs", *lies)
    assert told["location"] == "/sign-in"
    assert "Secure" not in told["set-cookie"] and "strict-transport-security" not in told.fields
    assert "evil" not in get(address, "/sign-in", *lies).body


def test_a_sign_in_leads_to_no_other_site(address: str, house: House) -> None:
    for wanted in ("//evil.test", "/%5Cevil.test", "https://evil.test/", "/\\evil.test", "///evil.test/%2e%2e"):
        told = get(address, wanted if wanted.startswith("/") else "/" + wanted)
        assert told["location"] in ("/sign-in", ""), wanted
        assert told.status in (303, 400, 404), wanted


# Headers


@pytest.mark.parametrize("path", [*PATHS, "/favicon.svg"])
def test_every_answer_keeps_browsers_strict(address: str, path: str) -> None:
    for host in ("localhost", "evil.test"):
        told = get(address, path, host=host)
        policy = told["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "*" not in policy
        assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
        assert told["x-frame-options"] == "DENY"
        assert told["x-content-type-options"] == "nosniff"
        assert told["referrer-policy"] == "same-origin"
        assert told["cross-origin-opener-policy"] == "same-origin"
        assert told["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in told["permissions-policy"]
        assert "access-control-allow-origin" not in told.fields and "server" not in told.fields


# Sizes


@pytest.mark.parametrize("path", ["/", "/nope", "/sign-in/x", "/api/v1/query", "/api/v1/status", "/health/live"])
def test_a_large_body_is_413_everywhere_before_it_has_come(address: str, path: str) -> None:
    announced = say(address, f"POST {path} HTTP/1.1", "Host: localhost", "Content-Length: 10000000000")
    assert announced.status == 413
    assert announced["content-type"] == (
        "application/problem+json" if path.startswith("/api/") else "text/plain; charset=utf-8")
    with dial(address) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            while sent < 64 << 20:
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        except OSError:
            pass
        assert sent < 16 << 20, "it went on reading"


def test_large_headers_are_431(address: str) -> None:
    for fields in ([f"X-Large: {'x' * 20_000}"], [f"X-Many-{n}: {'x' * 3000}" for n in range(20)],
                   [f"X-Many-{n}: x" for n in range(200)]):
        assert say(address, "GET / HTTP/1.1", "Host: localhost", *fields).status == 431
    assert say(address, f"GET /{'x' * 40_000} HTTP/1.1", "Host: localhost").status in (414, 431)


def test_nonsense_is_400_and_the_server_goes_on(address: str) -> None:
    for raw in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, b"GET\r\n\r\n", b"\0" * 1000,
                b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        with dial(address) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            found = read_all(connection)
            assert not found or parse(found).status in (400, 403, 505), raw[:60]
    assert get(address, "/sign-in").status == 200


# Slow clients


def test_those_who_send_a_header_byte_by_byte_are_sent_away_and_hold_nobody_up(address: str, house: House) -> None:
    slow = [dial(address) for _ in range(300)]
    began = time.monotonic()
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    asked = time.monotonic()
    house.get("/api/v1/runs?limit=1")
    assert time.monotonic() - asked < 5
    ended = 0
    while time.monotonic() - began < 25 and ended < len(slow):
        ended = 0
        for connection in slow:
            try:
                connection.setblocking(False)
                connection.send(b"x")
                ended += connection.recv(1) == b""
            except BlockingIOError:
                pass
            except OSError:
                ended += 1
        time.sleep(0.5)
    took = time.monotonic() - began
    for connection in slow:
        connection.close()
    assert ended == len(slow) and 8 < took < 20, (ended, took)


# Guessing


def test_guessing_is_slowed_and_those_who_know_their_secret_are_not(make_house: Callable[..., House]) -> None:
    house = make_house().start()
    address = address_of(house)

    def guess(number: int) -> int:
        return get(address, "/api/v1/status", f"Authorization: Bearer weir_token_wrong{number}").status

    assert all(guess(0) == 401 for _ in range(100)), "one wrong secret again and again is no guessing"
    assert [guess(n) for n in range(1, 20)] == [401] * 19
    told = get(address, "/api/v1/status", "Authorization: Bearer weir_token_another")
    assert told.status == 429 and 1 <= int(told["retry-after"]) <= 60
    assert "too_many_attempts" in told.body and "another" not in told.body
    # From the same address: the token that was right before, a link that was just made.
    assert house.get("/api/v1/status")
    link = house.weir("sign-in-link").out.strip()
    code = link.rsplit("/", 1)[1]
    posted = ["Host: " + address.split("//")[1], f"Origin: {address}", "Content-Length: 0"]
    assert say(address, "POST /sign-in/nonsense HTTP/1.1", *posted).status == 429
    opened = say(address, f"POST /sign-in/{code} HTTP/1.1", *posted)
    assert opened.status == 303 and "weir_session=" in opened["set-cookie"]
    session = opened["set-cookie"].split(";")[0]
    assert get(address, "/", f"Cookie: {session}").status == 200


def test_forms_of_other_sites_do_nothing(house: House, address: str) -> None:
    code = house.weir("sign-in-link").out.strip().rsplit("/", 1)[1]
    host = "Host: " + address.split("//")[1]
    for fields in (["Origin: https://evil.test"], ["Origin: null"], ["Sec-Fetch-Site: cross-site"],
                   ["Sec-Fetch-Site: same-site", f"Origin: {address}"], [], [f"Origin: {address}x"],
                   [f"Origin: {address.replace('http', 'https')}"]):
        told = say(address, f"POST /sign-in/{code} HTTP/1.1", host, *fields, "Content-Length: 0")
        assert told.status == 403 and "set-cookie" not in told.fields, fields
    told = say(address, f"POST /sign-in/{code} HTTP/1.1", host, f"Origin: {address}", "Content-Length: 0")
    assert told.status == 303


# Listening and proxies


def test_the_server_is_shown_to_others_only_over_tls_or_a_proxy(make_house: Callable[..., House]) -> None:
    for variables, words in (
        ({"WEIR_LISTEN": "0.0.0.0"}, "unencrypted"), ({"WEIR_LISTEN": "::"}, "unencrypted"),
        ({"WEIR_LISTEN": "weir.example"}, "no address"), ({"WEIR_TRUSTED_PROXIES": "proxy"}, "WEIR_TRUSTED_PROXIES"),
        ({"WEIR_TLS_KEY": "/nowhere"}, "WEIR_TLS_CERTIFICATE is not set"),
        ({"WEIR_LISTEN": "192.0.2.1", "WEIR_TRUSTED_PROXIES": "192.0.2.0/24"}, "none of this machine"),
    ):
        said = make_house(**variables).weir("up", "--port", "0", seconds=20)
        assert said.status != 0 and len(said.lines) == 1 and words in said.err, said


def test_a_trusted_proxy_speaks_for_its_clients(make_house: Callable[..., House]) -> None:
    house = make_house(
        WEIR_LISTEN="0.0.0.0", WEIR_TRUSTED_PROXIES="127.0.0.1", WEIR_PUBLIC_URL="https://weir.acme.example").start()
    port = int(json.loads((house.folder / "server.json").read_text())["address"].rsplit(":", 1)[1])
    address = f"http://127.0.0.1:{port}"
    through = ["X-Forwarded-For: 9.9.9.9, 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: weir.acme.example"]
    told = get(address, "/runs", *through)
    assert told["set-cookie"].startswith("__Host-weir_next=") and "Secure" in told["set-cookie"]
    assert told["strict-transport-security"] == "max-age=31536000"
    assert get(address, "/sign-in", *through[:2], "X-Forwarded-Host: evil.test").status == 421
    # Clients are slowed one by one: the right-most address counts, whatever stands before it.
    def guess(client: str, number: int) -> int:
        return get(address, "/api/v1/status", f"X-Forwarded-For: 10.9.8.{number}, {client}",
                   f"Authorization: Bearer wrong-{client}-{number}").status

    assert [guess("203.0.113.9", n) for n in range(21)] == [401] * 20 + [429]
    assert guess("203.0.113.10", 0) == 401
    assert get(address, "/metrics").status == 403, "a proxy's request may come from anywhere"
    other = next((ip for *_, (ip, *_rest) in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
                  if not ip.startswith("127.")), None)
    if other:
        # This machine's other address is no proxy and no loopback.
        with socket.create_connection((other, port), timeout=10, source_address=(other, 0)) as connection:
            connection.sendall(f"GET /sign-in HTTP/1.1\r\nHost: {other}\r\nConnection: close\r\n\r\n".encode())
            assert parse(read_all(connection)).status == 403


# Whom a clone may reach


METADATA = ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[::ffff:169.254.169.254]", "2852039166"]


def test_on_a_laptop_a_clone_reaches_all_but_metadata_services(house: House) -> None:
    for host in METADATA:
        one_line(house.weir("clone", f"postgresql://u@{host}/d", "--source", "meta"), "metadata service")
    one_line(house.weir("clone", "postgresql://u@127.0.0.1:1/d", "--source", "meta"), "cannot be reached")


def test_on_a_shared_server_private_databases_have_to_be_allowed(
    make_house: Callable[..., House], shop: Database
) -> None:
    house = make_house(WEIR_PUBLIC_URL="https://weir.acme.example").start()
    for host in ["127.0.0.1:1", "localhost", "10.0.0.1", "192.168.0.1", "[::1]", "127.1", "0x7f.1", "2130706433",
                 "0177.0.0.1", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "0.0.0.0", "[fe80::1]", "100.64.0.1",
                 "%2Fvar%2Frun%2Fpostgresql"]:
        one_line(house.weir("clone", f"postgresql://u@{host}/d", "--source", "inside"), "private")
    for host in METADATA:
        one_line(house.weir("clone", f"postgresql://u@{host}/d", "--source", "meta"), "metadata service")
    one_line(house.weir("clone", f"postgresql://u@8.8.8.8:1,{shop.url.split('@')[1]}", "--source", "two"), "private")
    with pytest.raises(Refused) as refused:
        house.request("/api/v1/sources/test", {"url": shop.url})
    assert refused.value.status == 403
    house.stop()
    house.start(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8")
    assert house.clone(shop.url, "--source", "inside")["run_id"]


def test_connections_stay_open_between_requests(address: str) -> None:
    with dial(address) as connection:
        for _ in range(3):
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_one(connection).status == 200
