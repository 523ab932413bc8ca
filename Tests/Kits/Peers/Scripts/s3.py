"""S3 (moto) on 127.0.0.1 that checks signatures and permissions. The first line tells the keys of two users: one may do
everything with the bucket `lake`, the other nothing."""
import json
import os

# Requests before this many are not checked: those that make the users.
SETUP = ["create_bucket", "create_user", "put_user_policy", "create_access_key", "create_user", "create_access_key"]
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(len(SETUP))

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

from peer import end_with_the_test, say  # noqa: E402

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
access = dict(
    endpoint_url=f"http://127.0.0.1:{port}", region_name="eu-central-1", aws_access_key_id="setup",
    aws_secret_access_key="setup")
boto3.client("s3", **access).create_bucket(
    Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
people = boto3.client("iam", **access)


def add_user(name, allowed):
    people.create_user(UserName=name)
    if allowed:
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        people.put_user_policy(UserName=name, PolicyName="lake", PolicyDocument=json.dumps(policy))
    key = people.create_access_key(UserName=name)["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


say(port=port, owner=add_user("owner", True), stranger=add_user("stranger", False))
end_with_the_test()
server._thread.join()
