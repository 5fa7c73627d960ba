"""A server of files on this machine, in place of PhysioNet's."""

import hashlib
import http.server
import threading
from contextlib import contextmanager


def write_sums(folder, names=None):
    """The SHA256SUMS.txt of a folder, as PhysioNet has it."""
    names = names or sorted(path.name for path in folder.iterdir() if path.name != "SHA256SUMS.txt")
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()} {name}" for name in names]
    (folder / "SHA256SUMS.txt").write_text("\n".join(lines) + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves files, understands ``Range: bytes=N-``, and notes what was asked and what was sent."""

    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        if server.nonsense:
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        name = self.path.rsplit("/", 1)[-1]
        file = server.root / self.path.lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        content = file.read_bytes()
        first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else 0
        if first and first >= len(content):
            server.log.append((name, wanted, 0))
            self.send_error(416)
            return
        body = content[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = body[: server.stops_after.get(name)]
        self.wfile.write(body)
        server.log.append((name, wanted, len(body)))

    def log_message(self, *_):
        pass


@contextmanager
def serving(database, ranges=True, stops_after=None, nonsense=False):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.root, server.log = database.parents[1], []
    server.ranges, server.stops_after, server.nonsense = ranges, stops_after or {}, nonsense
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
