"""Tries connections from the hosts around the server in portward's lab.

Reads a JSON list on stdin, [{"source", "destination", "port", "seconds"}], and tries all of them in parallel. Prints a JSON
list of booleans: whether the listener's greeting was received.
"""

import errno
import json
import selectors
import socket
import sys
import time

connects = json.load(sys.stdin)
answered = [False] * len(connects)
waiting = selectors.DefaultSelector()
for index, wanted in enumerate(connects):
    stream = socket.socket(socket.AF_INET6 if ":" in wanted["source"] else socket.AF_INET, socket.SOCK_STREAM)
    stream.setblocking(False)
    stream.bind((wanted["source"], 0))
    stream.connect_ex((wanted["destination"], wanted["port"]))
    waiting.register(stream, selectors.EVENT_READ, (index, time.monotonic() + wanted["seconds"]))
while waiting.get_map():
    deadline = min(key.data[1] for key in waiting.get_map().values())
    ready = [key for key, _ in waiting.select(max(0, deadline - time.monotonic()))]
    late = [key for key in waiting.get_map().values() if key.data[1] <= time.monotonic()]
    for key in ready + [key for key in late if key not in ready]:
        if key in ready:
            try:
                answered[key.data[0]] = key.fileobj.recv(64) != b""
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EINPROGRESS, errno.ENOTCONN):
                    continue
        waiting.unregister(key.fileobj)
        key.fileobj.close()
print(json.dumps(answered))
