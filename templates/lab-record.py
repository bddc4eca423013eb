"""Writes to stdout, as pcap, the packets that a portsentry on this host would see.

`socket`: as portsentry 1.2 reads them, from raw sockets behind the firewall and the reassembly of fragments.
`wire`: as 2.x reads them, from the interfaces themselves, with cooked headers. The file header is written
once all sockets are open. Needs root; runs until stdout is closed.
"""

import os
import select
import socket
import struct
import sys
import time

RAW_IP, COOKED = 101, 113
ETH_P_ALL = 3
SNAPLEN = 65535


def open_sockets(view):
    if view == "wire":
        return [socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))]
    return [
        socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
        for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)
    ]


def cooked_header(address):
    _, protocol, kind, hardware, mac = address
    return struct.pack("!HHH8sH", kind, hardware, len(mac), mac[:8], protocol)


def record(packet):
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    length = len(packet)
    return struct.pack("<IIII", seconds, nanoseconds // 1000, length, length) + packet


view = sys.argv[1]
sockets = open_sockets(view)
link_type = COOKED if view == "wire" else RAW_IP
os.write(1, struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, SNAPLEN, link_type))
while True:
    for ready in select.select(sockets, [], [])[0]:
        packet, address = ready.recvfrom(SNAPLEN)
        os.write(1, record(cooked_header(address) + packet if view == "wire" else packet))
