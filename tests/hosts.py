"""A server on this machine that plays the official host of a data set and its mirrors."""

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Host:
    """`serve[host]` is what that host does, given the request handler and the file's content."""

    def __init__(self, content: dict[str, bytes]):
        self.serve, self.asked, self.stuck = {}, [], threading.Event()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                _, name, file = self.path.split("/")
                host.asked.append((name, file))
                host.serve[name](self, content[file])

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{name}/"

    def whole(self, handler, content: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def other(self, handler, content: bytes) -> None:
        self.whole(handler, b"<html>Please log in to this network</html>")

    def missing(self, handler, content: bytes) -> None:
        handler.send_error(404)

    def half(self, handler, content: bytes) -> None:
        """Promise all, send half, hang up."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()

    def hang(self, handler, content: bytes) -> None:
        """Promise a megabyte, send half of it, say no more."""
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        handler.wfile.write(bytes(500_000))
        handler.wfile.flush()
        self.stuck.wait(60)

    def pause(self, handler, content: bytes) -> None:
        """Send half, and the rest when `stuck` is set."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        self.stuck.wait(300)
        with suppress(OSError):  # whoever was killed listens no more
            handler.wfile.write(content[len(content) // 2 :])

    def flood(self, handler, content: bytes) -> None:
        """Promise nothing, and send until nobody listens."""
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while not self.stuck.is_set():
                handler.wfile.write(bytes(1 << 16))


def closed_address() -> str:
    """An address of this machine at which nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{reserved.getsockname()[1]}/"
