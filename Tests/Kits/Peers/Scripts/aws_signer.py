"""Signs each request that comes as a line of JSON with botocore and tells the header Authorization."""
import base64
import datetime

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from peer import heard, say

say(ready=True)
for wanted in heard():
    moment = datetime.datetime.fromtimestamp(wanted["time"], datetime.timezone.utc).replace(tzinfo=None)
    botocore.auth.get_current_datetime = lambda: moment
    request = AWSRequest(wanted["method"], wanted["url"], data=base64.b64decode(wanted["body"]))
    for name, value in wanted["headers"]:
        request.headers.add_header(name, value)
    credentials = Credentials(wanted["accessKey"], wanted["secretKey"], wanted.get("token"))
    kind = botocore.auth.S3SigV4Auth if wanted["service"] == "s3" else botocore.auth.SigV4Auth
    kind(credentials, wanted["service"], wanted["region"]).add_auth(request)
    say(authorization=request.headers["Authorization"])
