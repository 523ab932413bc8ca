"""Canaille, an identity provider that nobody here wrote, on 127.0.0.1. Run it with the Python of .venv-peers/canaille.

  canaille_provider.py CLIENT_ID CLIENT_SECRET REDIRECT_URI POST_LOGOUT_URI

It has the people alice and bob, whose password is their name and "-password", and the group data, which alice is in. Each
line on standard input is answered with one:
  {"do": "rotate"}                         signs with a new key; the old one is published no more
  {"do": "groups", "of": "alice", "are": ["data"]}
"""
import logging
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey

from peer import heard, say


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_) -> None:
        pass


def key() -> dict[str, str]:
    return RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)


def make(port: int):
    return create_app({
        "SECRET_KEY": "only for tests", "SERVER_NAME": f"127.0.0.1:{port}", "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False, "HTMX": False, "SMTP": None, "TIMEZONE": "UTC"},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [key()], "REQUIRE_NONCE": True},
    })


def fill(client_id: str, secret: str, redirect: str, after: str) -> None:
    backend = Backend.instance
    people = []
    for name in ("alice", "bob"):
        person = models.User(
            user_name=name, formatted_name=name.capitalize(), family_name=name.capitalize(),
            emails=[f"{name}@acme.example"], password=f"{name}-password")
        backend.save(person)
        people.append(person)
    backend.save(models.Group(display_name="data", members=[people[0]]))
    backend.save(models.Group(display_name="everybody", members=people))
    client = models.Client(
        client_id=client_id, client_secret=secret, client_name="Weirhouse", redirect_uris=[redirect],
        post_logout_redirect_uris=[after], grant_types=["authorization_code"], response_types=["code"],
        scope=["openid", "email", "profile", "groups"], token_endpoint_auth_method="client_secret_basic",
        id_token_signed_response_alg="RS256")
    backend.save(client)
    client.audience = [client]
    backend.save(client)


def main() -> None:
    logging.disable(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, None, server_class=Server, handler_class=Quiet)
    app = make(server.server_port)
    server.set_app(app)
    with app.app_context():
        fill(*sys.argv[1:])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(port=server.server_port, issuer=f"http://127.0.0.1:{server.server_port}")
    for order in heard():
        with app.app_context():
            if order["do"] == "rotate":
                app.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = [key()]
            elif order["do"] == "groups":
                person = Backend.instance.get(models.User, user_name=order["of"])
                everything = Backend.instance.query(models.Group)
                person.groups = [group for group in everything if group.display_name in order["are"]]
                Backend.instance.save(person)
        say(done=True)


main()
