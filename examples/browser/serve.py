"""Builds the page and serves it to this computer's browser.

``python examples/browser/serve.py`` serves http://127.0.0.1:8000. ``--port 0`` takes any free port, and
``--build`` builds alone.
"""

import argparse
import functools
import http.server
import sys

try:
    from building import BuildError, build
except ModuleNotFoundError as error:
    sys.exit(f"serve.py: found no {error.name}; expected both packages: pip install ./export '.[export]'")


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; they change with each build, so a browser asks anew for them."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm"}

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *arguments):
        pass


def open_server(folder, port):
    """A server of a folder, on this computer alone. Raises ``OSError`` where the port is taken."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Handler, directory=folder))


def main():
    line = argparse.ArgumentParser(description="Serves the page that scores a strip in the browser.")
    line.add_argument("--port", type=int, default=8000, help="0: any that is free")
    line.add_argument("--build", action="store_true", help="only build")
    options = line.parse_args()
    try:
        folder = build()
    except (BuildError, OSError) as error:
        print(f"serve.py: {error}", file=sys.stderr)
        return 2
    if options.build:
        print(f"built: {folder}")
        return 0
    try:
        server = open_server(folder, options.port)
    except (OSError, OverflowError) as error:
        print(f"serve.py: port {options.port}: {error}; expected a free one, as --port 0.", file=sys.stderr)
        return 2
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
