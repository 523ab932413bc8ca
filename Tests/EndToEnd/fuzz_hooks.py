"""What schemathesis may not do, since it would lock itself out and all that follows were 401: revoke, change or leave the
token that it asks with, and suspend or delete the organization that the token is for. It asks for others instead."""
import os
import uuid
from typing import Any

import schemathesis

OWN = {"id": os.environ["WEIR_FUZZ_TOKEN_ID"], "slug": os.environ["WEIR_FUZZ_ORGANIZATION"]}
WHO = ("/api/v1/members/{member}", os.environ["WEIR_FUZZ_MEMBER"], os.environ["WEIR_FUZZ_MEMBER_ID"])


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case, _kwargs: dict[str, Any]) -> None:
    parameters, path = case.path_parameters or {}, case.operation.path
    if case.method == "GET":
        return
    for name, own in OWN.items():
        if parameters.get(name) == own:
            parameters[name] = str(uuid.uuid4())
    if path.startswith(WHO[0]) and parameters.get("member") in WHO[1:]:
        parameters["member"] = str(uuid.uuid4())
