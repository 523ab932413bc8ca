"""A browser reduced to what signing in needs: it keeps cookies, follows no redirect by itself, and can cheat."""
from __future__ import annotations

import html
import http.client
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


@dataclass
class Answer:
    status: int
    location: str
    body: str

    @property
    def words(self) -> str:
        """The page's text in one line."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.body)).split())


class Visitor:
    def __init__(self, address: str):
        self.address = address
        # By host: cookies of the console are no business of the provider.
        self.cookies: dict[str, dict[str, str]] = {}

    def ask(self, method: str, url: str, form: dict[str, str] | None = None, body: str | None = None,
            **headers: str) -> Answer:
        parts = urlsplit(url if "://" in url else self.address + url)
        jar = self.cookies.setdefault(parts.netloc, {})
        fields = dict(headers)
        if jar:
            fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        if form is not None:
            body = urlencode(form)
            # As a browser does, of the page that it posts from.
            fields.setdefault("Origin", f"http://{parts.netloc}")
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        try:
            connection.request(method, urlunsplit(("", "", parts.path or "/", parts.query, "")), body, fields)
            response = connection.getresponse()
            for cookie in response.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";", 1)[0].partition("=")
                if "Max-Age=0" in cookie:
                    jar.pop(name, None)
                else:
                    jar[name] = value
            text = response.read().decode(errors="replace")
            return Answer(response.status, response.headers.get("Location", ""), text)
        finally:
            connection.close()

    def get(self, url: str, **headers: str) -> Answer:
        return self.ask("GET", url, **headers)

    def begin(self, issuer: str) -> str:
        """The address at the provider."""
        answer = self.get(f"/sign-in/with/{issuer}")
        assert answer.status == 303, f"{answer.status} {answer.words}"
        return answer.location

    def come_back(self, issuer: str) -> str:
        """The callback's address, as a provider that asks nothing sends the browser there."""
        answer = self.get(self.begin(issuer))
        assert answer.status == 302, f"{answer.status} {answer.words}"
        return answer.location

    def sign_in(self, issuer: str) -> Answer:
        return self.get(self.come_back(issuer))

    @property
    def session(self) -> str | None:
        return self.cookies.get(urlsplit(self.address).netloc, {}).get("weir_session")

    @property
    def is_signed_in(self) -> bool:
        return self.session is not None and self.get("/").status == 200


def changed(url: str, **changes: str | None) -> str:
    """The address with other values in its query; None takes one away."""
    parts = urlsplit(url)
    query = {name: value for name, value in {**dict(parse_qsl(parts.query)), **changes}.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(query)))


def value(url: str, name: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))[name]
