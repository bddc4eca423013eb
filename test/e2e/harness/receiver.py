"""A mail server, a web server with and without TLS, and a mail server that never answers, run in a peer's namespace.

`receiver.py CERTIFICATE KEY`: listens on ports 25, 80, 443 and 26, and prints "ready". Then prints each message as one line of
JSON: {"kind": "mail", "to", "text"} or {"kind": "http", "path", "host", "headers", "body"}.
"""

import http.server
import json
import socketserver
import ssl
import sys
import threading


def tell(**message):
    print(json.dumps(message), flush=True)


class Mail(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def text(self):
        lines = []
        while (line := self.rfile.readline().decode("utf-8", "replace").rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)

    def handle(self):
        recipients = []
        self.say("220 receiver")
        while line := self.rfile.readline().decode("utf-8", "replace").strip():
            verb = line.split(" ", 1)[0].upper()
            if verb == "RCPT":
                recipients.append(line.split("<", 1)[1].split(">", 1)[0])
            if verb == "DATA":
                self.say("354 go on")
                tell(kind="mail", to=recipients, text=self.text())
            if verb == "QUIT":
                self.say("221 bye")
                return
            self.say("250 ok")


class Silent(socketserver.BaseRequestHandler):
    def handle(self):
        while self.request.recv(1024):
            pass


class Web(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        tell(kind="http", path=self.path, host=headers.get("host", ""), headers=headers, body=body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
servers = [Server(("", port), handler) for port, handler in ((25, Mail), (26, Silent), (80, Web), (443, Web))]
servers[-1].socket = context.wrap_socket(servers[-1].socket, server_side=True)
for server in servers:
    threading.Thread(target=server.serve_forever).start()
print("ready", flush=True)
