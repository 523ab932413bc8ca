"""TLS with certificates of one's own: versions, cookies, the command line, and files that change while it runs."""
import json
import os
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge import Authority, Told, dial, get, read_all, read_one, say
from house import House
from processes import wait_for
from test_bad_input import one_line

pytestmark = pytest.mark.timeout(120)
NAME = "weir.acme.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def files(authority: Authority) -> tuple[Path, Path]:
    """What the server reads: copies, so that tests can replace them."""
    certificate, key = authority.folder / "server.pem", authority.folder / "server-key.pem"
    for source, target in zip(authority.issue("first", NAME, "localhost"), (certificate, key)):
        shutil.copy(source, target)
    return certificate, key


@pytest.fixture(scope="module")
def house(
    make_module_house: Callable[..., House], authority: Authority, files: tuple[Path, Path]
) -> Iterator[House]:
    """Its own Python requests trust the authority through OpenSSL's variable; `weir` is told in its own way."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(authority.file)
    house = make_module_house(
        WEIR_TLS_CERTIFICATE=str(files[0]), WEIR_TLS_KEY=str(files[1]), WEIR_CA_FILE=str(authority.file))
    house.start()
    yield house
    if before is None:
        del os.environ["SSL_CERT_FILE"]
    else:
        os.environ["SSL_CERT_FILE"] = before


@pytest.fixture(scope="module")
def address(house: House) -> str:
    found = json.loads((house.folder / "server.json").read_text())["address"]
    assert found.startswith("https://localhost:")
    return found


def shake(address: str, context: ssl.SSLContext) -> str | None:
    try:
        with dial(address, context) as connection:
            return connection.version()
    except (ssl.SSLError, ConnectionError):
        return None


def test_only_tls_1_2_and_newer_is_spoken(address: str, authority: Authority) -> None:
    for version, spoken in ((ssl.TLSVersion.TLSv1, None), (ssl.TLSVersion.TLSv1_1, None),
                            (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        context = authority.context()
        # This OpenSSL would not offer the old ones by itself.
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        assert shake(address, context) == spoken, version


def test_weak_ciphers_are_refused(address: str, authority: Authority) -> None:
    for ciphers in ("aNULL", "3DES", "eNULL", "CAMELLIA", "PSK", "AES128-SHA256", "AES256-SHA"):
        context = authority.context()
        try:
            context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        except ssl.SSLError:
            continue  # this OpenSSL has none of them
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert shake(address, context) is None, ciphers


def test_plain_http_gets_nothing_there(address: str) -> None:
    with dial(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP/1.1 2" not in read_all(connection)


def test_cookies_are_bound_to_the_host_and_the_line(house: House, address: str, authority: Authority) -> None:
    context = authority.context()
    wanted = get(address, "/runs", context=context)
    assert wanted["set-cookie"].startswith("__Host-weir_next=%2Fruns; ")
    link = house.weir("sign-in-link").out.strip()
    assert link.startswith(address + "/sign-in/")
    host = address.split("//")[1]
    told = say(address, f"POST /sign-in/{link.rsplit('/', 1)[1]} HTTP/1.1", f"Host: {host}", f"Origin: {address}",
               "Content-Length: 0", context=context)
    assert told.status == 303
    name, *attributes = told["set-cookie"].split("; ")
    assert name.startswith("__Host-weir_session=")
    assert set(attributes) == {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"}
    assert get(address, "/runs", f"Cookie: {name}", context=context).status == 200
    planted = name.removeprefix("__Host-")
    assert get(address, "/runs", f"Cookie: {planted}", context=context).status == 303, "a neighbour could plant that one"


def test_the_browser_is_told_to_come_by_tls_only_where_the_name_is_not_of_its_own_machine(
    make_house: Callable[..., House], house: House, address: str, authority: Authority, files: tuple[Path, Path]
) -> None:
    assert "strict-transport-security" not in get(address, "/", context=authority.context()).fields
    named = make_house(
        WEIR_TLS_CERTIFICATE=str(files[0]), WEIR_TLS_KEY=str(files[1]), WEIR_CA_FILE=str(authority.file),
        WEIR_PUBLIC_URL=f"https://{NAME}", WEIR_LISTEN="0.0.0.0")
    named.start(wait=False)
    wait_for(lambda: (named.folder / "server.json").exists(), 60, "the server's address")
    at = json.loads((named.folder / "server.json").read_text())["address"]
    assert at.startswith(f"https://{NAME}:"), "the command line checks the certificate by the name that people use"
    # The name leads nowhere here: the command line connects to this machine and still checks the name.
    wait_for(lambda: named.weir("runs").status == 0, 60, "weir runs")
    assert named.weir("sign-in-link").out.startswith(f"https://{NAME}/sign-in/")
    told = get(at, "/sign-in", host=NAME, context=authority.context())
    assert told["strict-transport-security"] == "max-age=31536000"


def test_the_command_line_trusts_only_whom_it_is_told_to(house: House, address: str, tmp_path: Path) -> None:
    assert house.weir("runs").status == 0
    one_line(house.weir("runs", WEIR_CA_FILE=""), "certificate is not trusted", "WEIR_CA_FILE")
    one_line(house.weir("runs", WEIR_CA_FILE=str(tmp_path / "none.pem")), "WEIR_CA_FILE")
    # A name that the certificate does not hold.
    other = address.replace("localhost", "127.0.0.1")
    one_line(house.weir("runs", WEIR_URL=other, WEIR_TOKEN="x"), "certificate is not trusted")


def serial(address: str, context: ssl.SSLContext) -> str:
    with dial(address, context) as connection:
        return connection.getpeercert()["serialNumber"]  # type: ignore[index,return-value]


def test_a_new_certificate_is_shown_without_a_connection_lost(
    house: House, address: str, authority: Authority, files: tuple[Path, Path]
) -> None:
    context = authority.context()
    first = serial(address, context)
    request = f"GET /health/live HTTP/1.1\r\nHost: {address.split('//')[1]}\r\n\r\n".encode()

    def ask() -> Told:
        connection.sendall(request)
        return read_one(connection)

    with dial(address, context) as connection:
        assert ask().status == 200
        # Wrong files first: they are told of, and the old certificate stays.
        shutil.copy(authority.issue("foreign", NAME)[1], files[1])
        wait_for(lambda: "does not belong" in house.log_tail(), 20, "a line in the log")
        assert serial(address, context) == first
        assert house.log_tail().count("does not belong") == 1
        for source, target in zip(authority.issue("second", NAME, "localhost"), files):
            shutil.copy(source, target)
        wait_for(lambda: serial(address, context) != first, 20, "the new certificate")
        assert ask().status == 200, "the connection from before goes on"
    assert house.weir("runs").status == 0


def test_files_that_cannot_be_used_are_one_line(
    make_house: Callable[..., House], authority: Authority, tmp_path: Path
) -> None:
    good, key = authority.issue("good", "localhost")
    _, other = authority.issue("other", "localhost")
    old, old_key = authority.expired("old", "localhost")
    (tmp_path / "text.pem").write_text("no certificate")
    for certificate, private, words in (
        (tmp_path / "none.pem", key, "cannot be read"), (good, tmp_path / "none.pem", "cannot be read"),
        (tmp_path / "text.pem", key, "holds no certificate"), (good, tmp_path / "text.pem", "holds no private key"),
        (good, other, "does not belong to the certificate"), (old, old_key, "has expired on 2024-02-01"),
    ):
        began = time.monotonic()
        said = make_house(WEIR_TLS_CERTIFICATE=str(certificate), WEIR_TLS_KEY=str(private)).weir(
            "up", "--port", "0", seconds=20)
        assert said.status != 0 and len(said.lines) == 1 and words in said.err, said
        assert time.monotonic() - began < 10


def test_a_handshake_that_does_not_go_on_ends(address: str) -> None:
    with dial(address) as connection:
        connection.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        read_all(connection, 20)
        assert time.monotonic() - began < 15
