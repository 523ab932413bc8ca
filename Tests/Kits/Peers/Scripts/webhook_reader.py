"""Verifies each webhook that comes as a line of JSON with the library of Standard Webhooks."""
import base64

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from peer import heard, say

say(ready=True)
for webhook in heard():
    try:
        Webhook(webhook["secret"]).verify(base64.b64decode(webhook["body"]), webhook["headers"])
        say(verified=True)
    except WebhookVerificationError as error:
        say(verified=False, reason=str(error))
