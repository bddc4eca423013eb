"""The hosts behind one interface of the server in portward's lab. Needs root, for raw sockets, which Node does not have.

Prints a line once it runs, then answers each JSON object on stdin, one a line: {"probes"} are sent one after the other;
{"connects"} are begun; {"seconds"} is how long to wait for greetings on these, answered by booleans. Probes and connects are
lists of {"source", "destination", "port"}, probes with a "kind".
"""

import json
import socket
import struct
import sys
import time

FLAGS = {"syn": 0x02, "fin": 0x01, "null": 0x00, "xmas": 0x29}
TYPES = {"connect": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def send(kind, source, destination, port):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    sender = socket.socket(family, TYPES.get(kind, socket.SOCK_RAW), 0 if kind in TYPES else socket.IPPROTO_TCP)
    sender.bind((source, 0))
    if kind == "connect":
        sender.setblocking(False)
        sender.connect_ex((destination, port))
        return sender
    if kind == "udp":
        return sender.sendto(b"probe", (destination, port))
    header = struct.pack("!HHLLBBHHH", 40123, port, 1, 0, 5 << 4, FLAGS[kind], 1024, 0, 0)
    # In IPv6's pseudo-header protocol and length are swapped and twice as wide, which results in the same sum.
    pseudo = b"".join(socket.inet_pton(family, end) for end in (source, destination)) + struct.pack("!HH", 6, 20)
    checksum = ~(int.from_bytes(pseudo + header, "big") % 0xFFFF) & 0xFFFF
    return sender.sendto(header[:16] + struct.pack("!H", checksum) + header[18:], (destination, 0))


def is_greeted(stream, deadline):
    # What has arrived by the time that this process is scheduled counts, even if that is late.
    stream.settimeout(max(0.001, deadline - time.monotonic()))
    try:
        return stream.recv(64) != b""
    except OSError:
        return False


print("null", flush=True)
begun = []
for line in sys.stdin:
    request, answer = json.loads(line), None
    # A connection that is closed at once would end before its handshake: it stays open until the next request.
    held = [send(**probe) for probe in request.get("probes", [])]
    if "connects" in request:
        begun = [send("connect", **wanted) for wanted in request["connects"]]
    if "seconds" in request:
        deadline = time.monotonic() + request["seconds"]
        answer = [is_greeted(stream, deadline) for stream in begun]
        begun.clear()
    print(json.dumps(answer), flush=True)
