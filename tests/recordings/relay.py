"""A relay between `playhead replay` and the server that knows exactly what has been acknowledged.

While the gate is held no request is on its way, so that a sample taken under it belongs to the
requests in `forwarded`, and to no others.
"""

import http.server
import threading
import time


class Forwarded:
    """One request, as it was sent on, and its answer."""

    def __init__(self, body, answer):
        self.body, self.answer = body, answer
        self.moment_s = time.monotonic()


class Relay:
    def __init__(self, server):
        self.gate = threading.Lock()
        self.forwarded = []
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler(server))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def _handler(relay, server):  # noqa: N805: the handler has a self of its own
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with relay.gate:
                    answer = server.request("POST", self.path, body,
                                            {"Content-Type": self.headers["Content-Type"]})
                    relay.forwarded.append(Forwarded(body.decode(), answer))
                self.send_response_only(answer.status)
                for name, values in answer.headers.items():
                    self.send_header(name, values[0])
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        return Handler
