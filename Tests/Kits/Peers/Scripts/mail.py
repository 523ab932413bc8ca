"""A mail server (aiosmtpd) on 127.0.0.1 that tells each message as it arrives, read by Python's own parser.

The recipient says how it answers:
  refused@…    550 to RCPT TO           later@…     450 to RCPT TO
  rejected@…   554 to the message       full@…      452 to the message
  lost@…       takes the message and loses the connection before it answers
  hang@…       takes the message and does not answer
  early@…      loses the connection before it has the message

  mail.py [--certificate FILE --key FILE [--immediate]] [--require-starttls] [--user USER --password PASSWORD
          [--only-tokens]]
"""
import argparse
import asyncio
import base64
import email
import email.policy
import logging
import ssl
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from peer import end_with_the_test, say

# That a sign-in without encryption is no good idea.
logging.disable()
warnings.simplefilter("ignore")
RCPT = {"refused": "550 5.1.1 No such person here", "later": "450 4.2.1 Try again later"}
DATA = {"rejected": "554 5.7.1 Not wanted", "full": "452 4.2.2 The mailbox is full"}


class Postbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        who = address.split("@")[0]
        if who in RCPT:
            return RCPT[who]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        who = envelope.rcpt_tos[0].split("@")[0]
        if who in DATA:
            return DATA[who]
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        texts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        say(sender=envelope.mail_from, recipients=envelope.rcpt_tos, secure=server.transport.get_extra_info("ssl_object") is not None,
            signedIn=bool(session.authenticated), headers={name.lower(): str(value) for name, value in message.items()},
            text=texts.get("text/plain"), html=texts.get("text/html"), defects=[repr(d) for d in message.defects],
            raw=base64.b64encode(envelope.original_content).decode())
        if who == "lost":
            server.transport.abort()
        if who in ("lost", "hang"):
            await asyncio.Event().wait()
        return "250 OK"


class Server(SMTP):
    async def auth_XOAUTH2(self, server, args):
        """A way to sign in that Weirhouse does not know."""
        return AuthResult(success=False, handled=False)

    async def smtp_DATA(self, arg):
        if self.envelope.rcpt_tos and self.envelope.rcpt_tos[0].startswith("early@"):
            await self.push("354 go on")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


async def main():
    arguments = argparse.ArgumentParser()
    for name in ("--certificate", "--key", "--user", "--password"):
        arguments.add_argument(name)
    arguments.add_argument("--immediate", action="store_true")
    arguments.add_argument("--require-starttls", action="store_true")
    arguments.add_argument("--only-tokens", action="store_true")
    chosen = arguments.parse_args()
    context = None
    if chosen.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chosen.certificate, chosen.key)

    def authenticate(server, session, envelope, mechanism, data):
        known = LoginPassword(chosen.user.encode(), chosen.password.encode()) if chosen.user else None
        # Not handled: aiosmtpd sends the reply.
        return AuthResult(success=data == known, handled=False)

    def make():
        return Server(
            Postbox(), tls_context=None if chosen.immediate else context, require_starttls=chosen.require_starttls,
            authenticator=authenticate if chosen.user else None, auth_required=bool(chosen.user),
            auth_exclude_mechanism=["PLAIN", "LOGIN"] if chosen.only_tokens else ["XOAUTH2"],
            auth_require_tls=bool(context) and not chosen.immediate, hostname="mail.example")

    server = await asyncio.get_running_loop().create_server(
        make, "127.0.0.1", 0, ssl=context if chosen.immediate else None)
    say(port=server.sockets[0].getsockname()[1])
    end_with_the_test()
    await server.serve_forever()


asyncio.run(main())
