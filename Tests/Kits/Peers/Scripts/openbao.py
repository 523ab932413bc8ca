"""OpenBao itself on 127.0.0.1, in dev mode with a root token. The first line tells its port; then each line that the test
writes is a request of the root's, answered by its status and data. `{"seal": true}` and `{"unseal": true}` do that."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from peer import heard, say

# The test may end this script before it has read that its input is closed: the server goes with it all the same.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
program = os.path.join(os.path.dirname(sys.executable), "bao")
# The server's own choice of a port is not told anywhere.
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = subprocess.Popen(
    [program, "server", "-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}",
     "-dev-no-store-token"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0)


def unseal_key():
    for line in server.stdout:
        found = re.search(r"Unseal Key: (\S+)", line)
        if found:
            return found[1]
    sys.exit("OpenBao did not start")


def ask(method, path, body=None, namespace=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/{path}", method=method,
        data=None if body is None else json.dumps(body).encode(), headers={"X-Vault-Token": "root"})
    if namespace:
        request.add_header("X-Vault-Namespace", namespace)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


try:
    unseal = unseal_key()
    threading.Thread(target=server.stdout.read, daemon=True).start()
    say(port=port)
    for question in heard():
        if question.get("seal"):
            status, text = ask("PUT", "sys/seal")
        elif question.get("unseal"):
            status, text = ask("PUT", "sys/unseal", {"key": unseal})
        else:
            status, text = ask(question["method"], question["path"], question.get("body"), question.get("namespace"))
        say(status=status, text=text.decode())
finally:
    os.killpg(server.pid, signal.SIGKILL)
