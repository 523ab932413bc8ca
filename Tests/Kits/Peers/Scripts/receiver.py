"""Receives webhooks and other requests on 127.0.0.1 and tells each: method, path, headers, body (base64).

The path says how it answers:
  /status/CODE            with that status
  /fail-first/N           500 to the first N requests, then 204
  /hang                   never, until the client goes
  /redirect/CODE/URL      with a redirect to the rest of the path
  /close                  reads the request, then closes the connection
  /reset-early            resets the connection once it has the headers
  /big/BYTES              with a body of that size
  /headers/BYTES          with a header of that size
  /garbage                with bytes that are no HTTP
  everything else         204

  receiver.py [--certificate FILE --key FILE] [--answers]

With --answers each line on standard input is the answer to one request more: {"status": 403, "headers": {}, "body": ""}.
"""
import argparse
import base64
import collections
import socket
import ssl
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from peer import end_with_the_test, heard, say

failures = collections.Counter()
answers = collections.deque()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        parts = self.path.split("/", 3)[1:]
        if parts[0] == "reset-early":
            # Linger 0: the client gets a reset while it sends.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.rfile.close()
            self.connection.close()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        say(method=self.command, path=self.path, headers={name.lower(): value for name, value in self.headers.items()},
            body=base64.b64encode(body).decode())
        if answers:
            canned = answers.popleft()
            self.reply(canned["status"], canned.get("headers", {}), canned.get("body", "").encode())
        elif parts[0] == "status":
            self.reply(int(parts[1]), {}, b"so it is")
        elif parts[0] == "fail-first":
            failures[self.path] += 1
            self.reply(500 if failures[self.path] <= int(parts[1]) else 204)
        elif parts[0] == "hang":
            self.connection.recv(1)
            self.close_connection = True
        elif parts[0] == "redirect":
            self.reply(int(parts[1]), {"Location": parts[2]})
        elif parts[0] == "close":
            self.close_connection = True
        elif parts[0] == "big":
            self.reply(200, {}, b"x" * int(parts[1]))
        elif parts[0] == "headers":
            lines = int(parts[1]) // 1000
            self.reply(200, {f"X-Long-{line}": "x" * 1000 for line in range(lines)})
        elif parts[0] == "garbage":
            self.wfile.write(b"this is no HTTP\r\n\r\n")
            self.close_connection = True
        else:
            self.reply(204)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def reply(self, status, headers=None, body=b""):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except (ConnectionError, ssl.SSLError):
            # The client has read enough.
            self.close_connection = True

    def handle(self):
        try:
            super().handle()
        except (OSError, ValueError):
            # The client is gone, or was sent away.
            self.close_connection = True

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--certificate")
    arguments.add_argument("--key")
    arguments.add_argument("--answers", action="store_true")
    chosen = arguments.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    if chosen.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chosen.certificate, chosen.key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(port=server.server_address[1])
    if chosen.answers:
        for answer in heard():
            answers.append(answer)
            say(queued=len(answers))
    else:
        end_with_the_test()
        threading.Event().wait()


main()
