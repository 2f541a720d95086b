# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that hands out images: what of the protocol it takes to read one.

usage: registry.py FOLDER

Serves on loopback until standard input ends, and prints its address first. The image PATH/NAME is the folder NAME in FOLDER, as
skopeo makes it for dir:. One that is called private is for those with CREDENTIALS only.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

CREDENTIALS = "user:pass-4711"
_EXPECTED = "Basic " + base64.b64encode(CREDENTIALS.encode()).decode()
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class _Handler(http.server.BaseHTTPRequestHandler):
    images: Path
    requests: list[str]

    def do_GET(self) -> None:
        """Answer /v2/, /v2/NAME/manifests/REFERENCE and /v2/NAME/blobs/DIGEST."""
        self.requests.append(self.path)
        parts = self.path.strip("/").split("/")
        name = parts[-3] if len(parts) > 3 else ""
        if name in ("private", "") and self.headers["Authorization"] != _EXPECTED and (name or self._is_closed()):
            self._answer(401, b"{}", {"WWW-Authenticate": 'Basic realm="test"'})
        elif not name:
            self._answer(200, b"{}", {})
        else:
            kind, reference = parts[-2:]
            file = "manifest.json" if kind == "manifests" else reference.partition(":")[2]
            self._send(self.images / name / file, _MANIFEST if kind == "manifests" else "application/octet-stream")

    do_HEAD = do_GET

    def _is_closed(self) -> bool:
        return (self.images / "private").is_dir()

    def _send(self, file: Path, media: str) -> None:
        if file.is_file():
            self._answer(200, file.read_bytes(), {"Content-Type": media})
        else:
            self._answer(404, b"{}", {})

    def _answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def registry(images: Path) -> Iterator[tuple[str, list[str]]]:
    """A registry on loopback, without TLS. Yields its address, and the paths that it was asked for."""
    asked: list[str] = []
    handler = type("Handler", (_Handler,), {"images": images, "requests": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    with registry(Path(sys.argv[1])) as (address, _asked):
        print(address, flush=True)
        sys.stdin.read()
