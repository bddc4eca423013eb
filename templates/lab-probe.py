"""Plays the hosts around the server in portward's lab: sends probes, and tries connections.

Reads one JSON object on stdin, {"probes": [{"kind", "source", "destination", "port"}], "connects":
[{"source", "destination", "port", "seconds"}]}, sends the probes in turn and then tries all connections at
once. Prints a JSON list with one word a connection: "answered" (the listener's greeting was read),
"refused" or "silent". Raw sockets need root; they are why this is not JavaScript.
"""

import errno
import json
import selectors
import socket
import struct
import sys
import time

FLAGS = {"syn": 0x02, "fin": 0x01, "null": 0x00, "xmas": 0x29, "ack": 0x10}
SOURCE_PORT = 40123


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def send_segment(source, destination, port, flags):
    family = family_of(source)
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.bind((source, 0))
        header = struct.pack("!HHLLBBHHH", SOURCE_PORT, port, 1, 0, 5 << 4, flags, 1024, 0, 0)
        ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
        length = struct.pack("!HH" if family == socket.AF_INET else "!LL", *(
            (socket.IPPROTO_TCP, len(header)) if family == socket.AF_INET else (len(header), socket.IPPROTO_TCP)
        ))
        total = checksum(ends + length + header)
        raw.sendto(header[:16] + struct.pack("!H", total) + header[18:], (destination, 0))


def start_connect(source, destination, port):
    stream = socket.socket(family_of(source), socket.SOCK_STREAM)
    stream.setblocking(False)
    stream.bind((source, 0))
    stream.connect_ex((destination, port))
    return stream


def send_probe(kind, source, destination, port):
    if kind == "udp":
        with socket.socket(family_of(source), socket.SOCK_DGRAM) as datagram:
            datagram.bind((source, 0))
            datagram.sendto(b"probe", (destination, port))
    elif kind == "connect":
        return start_connect(source, destination, port)
    else:
        send_segment(source, destination, port, FLAGS[kind])
    return None


def try_connects(connects):
    outcomes = ["silent"] * len(connects)
    waiting = selectors.DefaultSelector()
    for index, wanted in enumerate(connects):
        stream = start_connect(wanted["source"], wanted["destination"], wanted["port"])
        waiting.register(stream, selectors.EVENT_READ, (index, time.monotonic() + wanted["seconds"]))
    while waiting.get_map():
        deadline = min(key.data[1] for key in waiting.get_map().values())
        ready = [key for key, _ in waiting.select(max(0, deadline - time.monotonic()))]
        late = [key for key in waiting.get_map().values() if key.data[1] <= time.monotonic()]
        for key in ready + [key for key in late if key not in ready]:
            if key in ready:
                try:
                    outcomes[key.data[0]] = "answered" if key.fileobj.recv(64) else "refused"
                except OSError as error:
                    if error.errno in (errno.EAGAIN, errno.EINPROGRESS, errno.ENOTCONN):
                        continue
                    outcomes[key.data[0]] = "silent" if error.errno == errno.ETIMEDOUT else "refused"
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    return outcomes


def finish_handshakes(streams):
    """A connect() that is closed at once would be over before its handshake. Who gets no answer has a second."""
    waiting = selectors.DefaultSelector()
    for stream in streams:
        waiting.register(stream, selectors.EVENT_WRITE)
    deadline = time.monotonic() + 1
    while waiting.get_map() and time.monotonic() < deadline:
        for key, _ in waiting.select(max(0, deadline - time.monotonic())):
            waiting.unregister(key.fileobj)


work = json.load(sys.stdin)
held = [send_probe(**probe) for probe in work["probes"]]
finish_handshakes([stream for stream in held if stream])
print(json.dumps(try_connects(work["connects"])))
