"""An admin sets up how people sign in, in the console and in a browser; people of the provider then come in, or do not."""
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from browsing import Browsing, browse, forget_problems, inside, no_faults
from house import House
from providers import Provider
from visitor import Visitor

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8").start()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider("provider.py")
    provider.tell("set", claims={"sub": "dora", "email": "dora@acme.example", "name": "Dora"})
    yield provider
    provider.end()


@pytest.fixture(scope="module")
def here(house: House, browser: Browser, artefacts: Path) -> Iterator[Browsing]:
    folder = artefacts.parent / "sign-in"
    folder.mkdir(exist_ok=True)
    link = urlsplit(house.weir("sign-in-link").out.strip())
    here = browse(browser, f"{link.scheme}://{link.netloc}", folder, viewport={"width": 1280, "height": 900})
    here.page.goto(link.geturl())
    here.page.get_by_role("button", name="Sign in").click()
    yield here
    here.context.close()


def test_an_issuer_is_set_up_only_if_it_is_one(here: Browsing, provider: Provider) -> None:
    here.open("/")
    here.page.get_by_role("link", name="Sign-in", exact=True).click()
    expect(here.page.get_by_role("heading", level=2)).to_have_text("Nobody signs in through a provider yet")
    here.page.locator("#main").get_by_role("link", name="New issuer").first.click()
    here.page.get_by_label("Issuer").fill(provider.issuer + "/")
    here.page.get_by_label("Name", exact=True).fill("odd")
    here.page.get_by_label("Client id").fill("weirhouse")
    here.page.get_by_label("What the button says").fill("Odd & Co")
    here.page.get_by_role("button", name="Ask the provider").click()
    expect(here.page.get_by_role("alert")).to_contain_text("calls itself")
    forget_problems(here)
    # What was typed is still there.
    expect(here.page.get_by_label("What the button says")).to_have_value("Odd & Co")
    here.page.get_by_label("Issuer").fill(provider.issuer)
    here.page.get_by_role("button", name="Ask the provider").click()
    expect(here.page.get_by_role("heading", name="Odd & Co")).to_be_visible()
    here.page.get_by_role("button", name="Test Odd & Co").click()
    expect(here.page.get_by_role("status")).to_contain_text("It answers, with")
    no_faults(here)


def test_whom_a_rule_lets_in(here: Browsing, house: House) -> None:
    visitor = Visitor(house.address)
    assert visitor.sign_in("odd").status == 403
    here.open("/issuers")
    here.page.get_by_label("Domain, group or value").fill("acme.example")
    here.page.get_by_role("button", name="Let them in").click()
    expect(here.page.get_by_role("heading", name="accounts of acme.example")).to_be_visible()
    for width, scheme in ((390, "dark"), (390, "light"), (1280, "dark"), (1280, "light")):
        here.page.set_viewport_size({"width": width, "height": 900})
        here.page.emulate_media(color_scheme=scheme)
        assert inside(here.page, "#main h2, #main h3, #main .button, #main input, #main select")
        here.picture(f"issuers-{width}-{scheme}")
    assert visitor.sign_in("odd").status == 303 and visitor.is_signed_in
    # A claim without its name is refused, and nothing is made.
    here.page.get_by_label("Who", exact=True).select_option("claim")
    here.page.get_by_label("Domain, group or value").fill("data")
    here.page.get_by_role("button", name="Let them in").click()
    expect(here.page.get_by_role("alert")).to_be_visible()
    expect(here.page.get_by_label("Who", exact=True)).to_have_value("claim")
    forget_problems(here)
    no_faults(here)


def test_what_is_changed_and_removed(here: Browsing, house: House) -> None:
    here.open("/issuers")
    here.page.get_by_role("link", name="Change Odd & Co").click()
    here.page.get_by_label("What the button says").fill("Odd")
    here.page.get_by_role("button", name="Ask the provider").click()
    expect(here.page.get_by_role("link", name="Change Odd", exact=True)).to_be_visible()
    here.page.get_by_role("link", name="Remove the rule for").click()
    here.page.get_by_role("button", name="Remove the rule").click()
    expect(here.page.locator("#rules")).to_contain_text("nobody is let in")
    assert Visitor(house.address).sign_in("odd").status == 403
    here.page.get_by_role("link", name="Remove Odd").click()
    here.page.get_by_role("button", name="Remove the issuer").click()
    expect(here.page.get_by_role("heading", level=2)).to_have_text("Nobody signs in through a provider yet")
    no_faults(here)
