"""Sends probes from the hosts around the server in portward's lab.

Reads a JSON list on stdin, [{"kind", "source", "destination", "port"}], and sends one after the other. Needs root, for raw
sockets, which Node does not have.
"""

import json
import select
import socket
import struct
import sys
import time

FLAGS = {"syn": 0x02, "fin": 0x01, "null": 0x00, "xmas": 0x29}
SOURCE_PORT = 40123


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def send_segment(family, source, destination, port, flags):
    with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.bind((source, 0))
        header = struct.pack("!HHLLBBHHH", SOURCE_PORT, port, 1, 0, 5 << 4, flags, 1024, 0, 0)
        ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
        # In IPv6's pseudo-header these two are swapped and twice as wide, which results in the same sum.
        total = checksum(ends + struct.pack("!HH", socket.IPPROTO_TCP, len(header)) + header)
        raw.sendto(header[:16] + struct.pack("!H", total) + header[18:], (destination, 0))


def start_connect(family, source, destination, port):
    stream = socket.socket(family, socket.SOCK_STREAM)
    stream.setblocking(False)
    stream.bind((source, 0))
    stream.connect_ex((destination, port))
    return stream


held = []
for probe in json.load(sys.stdin):
    kind, source, destination, port = (probe[key] for key in ("kind", "source", "destination", "port"))
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    if kind == "udp":
        with socket.socket(family, socket.SOCK_DGRAM) as datagram:
            datagram.bind((source, 0))
            datagram.sendto(b"probe", (destination, port))
    elif kind == "connect":
        held.append(start_connect(family, source, destination, port))
    else:
        send_segment(family, source, destination, port, FLAGS[kind])
# A connection that is closed at once would end before its handshake. Without an answer it is closed after one second.
deadline = time.monotonic() + 1
while held and time.monotonic() < deadline:
    ready = select.select([], held, [], max(0, deadline - time.monotonic()))[1]
    held = [stream for stream in held if stream not in ready]
