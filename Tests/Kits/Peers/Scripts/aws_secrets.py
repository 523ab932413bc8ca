"""AWS Secrets Manager (moto) on 127.0.0.1 that checks signatures and permissions. The first line tells the keys of two
users: one may do everything with secrets, the other nothing."""
import json
import logging
import os

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


say(port=port, owner=add_user("owner", True), stranger=add_user("stranger", False))
end_with_the_test()
server._thread.join()
