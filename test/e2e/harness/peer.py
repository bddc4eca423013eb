"""What a machine on one of the server's networks does there, run in its namespace.

`connect JSON`: {"address", "ports", "timeoutMs", "greeting", "source"?}; connects to one port after the other, and prints a
list of {"outcome": "open", "refused" or "timeout", "greeted"}. `send JSON`: {"address", "port", "source"?}; sends a UDP
packet. `greet PORT TEXT`: prints "ready", then sends the text to each client.
"""

import contextlib
import errno
import json
import os
import select
import socket
import sys
import time

REFUSALS = (
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EACCES,
    errno.EPERM,
)
# A server that has finished the handshake may be slow to send its greeting.
GREETING_SECONDS = 10


def endpoint(kind, address, source):
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    if source:
        made.bind((source, 0))
    return made


def outcome_of(code):
    if code in (0, errno.EINPROGRESS):
        return "open"
    if code == errno.ETIMEDOUT:
        return "timeout"
    if code in REFUSALS:
        return "refused"
    raise OSError(code, os.strerror(code))


def is_greeted(connection, greeting, deadline):
    heard = b""
    while select.select([connection], [], [], max(0, deadline - time.monotonic()))[0]:
        try:
            chunk = connection.recv(4096)
        except OSError:
            return False
        heard += chunk
        if heard.startswith(greeting):
            return True
        if not chunk:
            return False
    return False


def attempt(address, source, port, seconds, greeting):
    with endpoint(socket.SOCK_STREAM, address, source) as connection:
        connection.setblocking(False)
        deadline = time.monotonic() + seconds
        outcome = outcome_of(connection.connect_ex((address, port)))
        if outcome == "open":
            if not select.select([], [connection], [], seconds)[1]:
                return {"outcome": "timeout", "greeted": False}
            outcome = outcome_of(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        greeted = bool(
            outcome == "open" and greeting and is_greeted(connection, greeting.encode(), deadline + GREETING_SECONDS)
        )
        return {"outcome": outcome, "greeted": greeted}


def connect(given):
    wanted = json.loads(given)
    address, source, greeting = wanted["address"], wanted.get("source"), wanted["greeting"]
    seconds = wanted["timeoutMs"] / 1000
    print(json.dumps([attempt(address, source, port, seconds, greeting) for port in wanted["ports"]]))


def send(given):
    wanted = json.loads(given)
    with endpoint(socket.SOCK_DGRAM, wanted["address"], wanted.get("source")) as sender:
        sender.sendto(b"probe", (wanted["address"], wanted["port"]))


def greet(port, text):
    with socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=511) as server:
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(text.encode())


{"connect": connect, "send": send, "greet": greet}[sys.argv[1]](*sys.argv[2:])
