"""What schemathesis may not do, since it would lock itself out and all that follows were 401: revoke, change or leave the
token that it asks with, and suspend or delete the organization that the token is for. It asks for others instead."""
import os
import uuid
from typing import Any

import schemathesis

TOKEN, ORGANIZATION = os.environ["WEIR_FUZZ_TOKEN_ID"], os.environ["WEIR_FUZZ_ORGANIZATION"]
MEMBER = {os.environ["WEIR_FUZZ_MEMBER"], os.environ["WEIR_FUZZ_MEMBER_ID"]}
OWN = {
    ("POST", "/api/v1/tokens/{id}/rotate"): ("id", {TOKEN}),
    ("DELETE", "/api/v1/tokens/{id}"): ("id", {TOKEN}),
    ("POST", "/api/v1/organizations/{slug}/suspend"): ("slug", {ORGANIZATION}),
    ("DELETE", "/api/v1/organizations/{slug}"): ("slug", {ORGANIZATION}),
    ("DELETE", "/api/v1/members/{member}"): ("member", MEMBER),
    ("POST", "/api/v1/members/{member}/deactivate"): ("member", MEMBER),
    ("POST", "/api/v1/members/{member}/revoke"): ("member", MEMBER),
}


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _kwargs: dict[str, Any]) -> None:
    name, own = OWN.get((case.method, case.operation.path), ("", set()))
    parameters = case.path_parameters or {}
    if parameters.get(name) in own:
        parameters[name] = str(uuid.uuid4())
