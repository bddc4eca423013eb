"""Sends the first frames of a pcap file on eth0 to a hardware address, so many a second: FILE ADDRESS COUNT RATE."""

import socket
import struct
import sys
import time

path, address, count, rate = (
    sys.argv[1],
    bytes.fromhex(sys.argv[2].replace(":", "")),
    int(sys.argv[3]),
    int(sys.argv[4]),
)
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
with open(path, "rb") as capture:
    capture.read(24)
    start = time.monotonic()
    for sent in range(count):
        (length,) = struct.unpack("<I", capture.read(16)[8:12])
        wire.send(address + capture.read(length)[6:])
        if sent % 50 == 0:
            time.sleep(max(0, start + sent / rate - time.monotonic()))
