# Copyright (c) 2026, gvisor.runsc maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve releases on the loopback, and misbehave for some of them.

usage: release_server.py FOLDER PORT_FILE

Everything of release 20990102.0 that is an archive ends in the middle. Release 20990103.0 is elsewhere: its addresses
redirect to release 20260831.0. The port goes to PORT_FILE.
"""

from __future__ import annotations

import functools
import http.server
import sys
from pathlib import Path
from typing import BinaryIO, cast

TRUNCATED = "/20990102.0/"
MOVED, TO = "/20990103.0/", "/20260831.0/"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files."""

    def do_GET(self) -> None:
        """Redirect what has moved."""
        if MOVED not in self.path:
            return super().do_GET()
        self.send_response(302)
        self.send_header("Location", self.path.replace(MOVED, TO))
        self.end_headers()

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:  # type: ignore[override]
        """Send half of it where the test asks for that; the headers have promised all of it."""
        content = source.read()
        half = TRUNCATED in self.path and self.path.endswith(".bz2")
        outputfile.write(content[: len(content) // 2] if half else content)


def main() -> None:
    """Serve until killed."""
    folder, port_file = sys.argv[1:]
    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), cast("type[Handler]", handler)) as server:
        draft = Path(port_file + ".draft")
        draft.write_text(str(server.server_address[1]), encoding="utf-8")
        draft.rename(port_file)
        server.serve_forever()


if __name__ == "__main__":
    main()
