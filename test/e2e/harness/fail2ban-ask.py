"""Sends one command to a running fail2ban over its socket, as fail2ban-client does, which takes ten times as long to load.

Arguments: the socket, then the words of the command. Prints the answer, a line for each element of a list. Exits with 1
if the server refuses, and with 69 if no server listens at the socket.
"""

import pickle
import socket
import sys

END = b"<F2B_END_COMMAND>"
server = socket.socket(socket.AF_UNIX)
server.settimeout(25)
try:
    server.connect(sys.argv[1])
except OSError:
    sys.exit(69)
server.sendall(pickle.dumps(sys.argv[2:], 2) + END)
answer = b""
while not answer.endswith(END):
    chunk = server.recv(65536)
    if not chunk:
        sys.exit(1)
    answer += chunk
try:
    code, value = pickle.loads(answer)
except Exception:
    # A refusal is an exception of a fail2ban class, which is not loaded here.
    sys.exit(1)
if code != 0:
    sys.exit(1)
for element in value if isinstance(value, list) else [value]:
    print(": ".join(map(str, element)) if isinstance(element, tuple) else element)
