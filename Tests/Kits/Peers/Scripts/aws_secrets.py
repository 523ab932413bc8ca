"""AWS Secrets Manager (moto) on 127.0.0.1 that checks signatures and permissions. The first line tells the keys of two
users: one may do everything with secrets, the other nothing.

    aws_secrets.py [STUMBLES]      the first so many requests of these users fail with the status 500
"""
import json
import logging
import os
import sys

SETUP = ["create_user", "put_user_policy", "create_access_key", "create_user", "create_access_key"]
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(len(SETUP))
logging.getLogger("werkzeug").setLevel(logging.ERROR)

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

from peer import end_with_the_test, say  # noqa: E402

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
people = boto3.client(
    "iam", endpoint_url=f"http://127.0.0.1:{port}", region_name="eu-central-1", aws_access_key_id="setup",
    aws_secret_access_key="setup")


def add_user(name, allowed):
    people.create_user(UserName=name)
    if allowed:
        statement = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        people.put_user_policy(UserName=name, PolicyName="secrets", PolicyDocument=json.dumps(policy))
    key = people.create_access_key(UserName=name)["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


class Stumbling:
    """moto, after a number of requests that fail as a service in trouble does."""

    def __init__(self, app, stumbles):
        self.app, self.left = app, stumbles

    def __call__(self, environment, start):
        if self.left and environment.get("HTTP_X_AMZ_TARGET", "").startswith("secretsmanager."):
            self.left -= 1
            start("500 Internal Server Error", [("Content-Type", "application/x-amz-json-1.1")])
            return [b'{"__type": "InternalServiceError"}']
        return self.app(environment, start)


server._server.app = Stumbling(server._server.app, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
say(port=port, owner=add_user("owner", True), stranger=add_user("stranger", False))
end_with_the_test()
server._thread.join()
