"""What all end-to-end tests share: the binary, a PostgreSQL server, houses and source databases."""
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browsing import chromium
from databases import SHOP, Database
from house import House


def required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set: run scripts/run-tests e2e", returncode=2)
    return value


@pytest.fixture(scope="session")
def binary() -> str:
    """The `weir` under test (WEIR_BINARY)."""
    required("WEIR_PYTHON_HOME")
    return required("WEIR_BINARY")


@pytest.fixture(scope="session")
def postgres() -> str:
    """A superuser's address on a throwaway server (WEIR_TEST_POSTGRES)."""
    return required("WEIR_TEST_POSTGRES")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """A folder for what people may want to see afterwards."""
    folder = Path(__file__).resolve().parents[1] / "artefacts" / "end-to-end"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _houses(binary: str) -> Iterator[Callable[..., House]]:
    made: list[House] = []

    def make(**settings: str) -> House:
        made.append(House(binary, **settings))
        return made[-1]

    make.houses = made  # type: ignore[attr-defined]  # for the report of a test that fails
    yield make
    for house in made:
        house.remove()


def _databases(postgres: str) -> Iterator[Callable[..., Database]]:
    made: list[Database] = []

    def make(label: str, sql: str = "", name: str | None = None) -> Database:
        made.append(Database(postgres, label, sql, name))
        return made[-1]

    yield make
    for database in made:
        database.drop()


@pytest.fixture
def make_house(binary: str) -> Iterator[Callable[..., House]]:
    """Makes houses, not yet started, that are gone with the test."""
    yield from _houses(binary)


@pytest.fixture(scope="module")
def make_module_house(binary: str) -> Iterator[Callable[..., House]]:
    """The same for a module."""
    yield from _houses(binary)


@pytest.fixture
def make_database(postgres: str) -> Iterator[Callable[..., Database]]:
    """`make_database(label, sql)`: a source database that is dropped after the test."""
    yield from _databases(postgres)


@pytest.fixture(scope="module")
def make_module_database(postgres: str) -> Iterator[Callable[..., Database]]:
    """The same for a module."""
    yield from _databases(postgres)


@pytest.fixture(scope="session")
def shared_house(binary: str) -> Iterator[House]:
    """One running house for all tests that leave it well. Use a `--source` or an environment of your own in it."""
    house = House(binary).start()
    yield house
    house.remove()


@pytest.fixture
def shop(make_database: Callable[..., Database]) -> Database:
    """A source of three small tables (`databases.SHOP`)."""
    return make_database("shop", SHOP)


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], Path]]:
    """`small_disk(megabytes)`: a file system of that size, in memory."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small file system")
    folders: list[Path] = []

    def make(megabytes: int, folder: Path | None = None) -> Path:
        """On `folder`, which is there already, or on one of its own."""
        folders.append(folder or Path(tempfile.mkdtemp(prefix="weir-small-", dir="/tmp")))
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folders[-1]], check=True)
        return folders[-1]

    yield make
    for folder in folders:
        subprocess.run(["umount", "-l", folder], check=True)
        if folder.name.startswith("weir-small-"):
            folder.rmdir()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):  # noqa: ARG001
    """A test that fails shows the end of the log of each house and load it had."""
    report = yield
    if report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            houses = [value] if isinstance(value, House) else getattr(value, "houses", [])
            houses = [*houses, *getattr(value, "loads", [])]
            for house in houses:
                report.sections.append((f"log of {name}", house.log_tail()))
    return report
