"""A process that crawls, for tests that kill it: python -m tests.support.crawl_driver DATA_DIR PORT.

The whole web stands behind PORT. Prints "done" when the section and its documents are; ends with its input.
"""

from __future__ import annotations

import socket
import sys
import time
from dataclasses import replace
from pathlib import Path

from ingest.fetch import Fetcher
from ingest.pace import Pace
from rag.testing import HashEmbedder
from tests.support.sites import START, Clock, ended
from workspaces.adapters import ENGINES
from workspaces.bootstrap import open_services
from workspaces.settings import load_settings


class ShortClock(Clock):
    """A second of it takes as long as a moment."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 20)
        super().sleep(seconds)


def main() -> None:
    data, port = Path(sys.argv[1]), int(sys.argv[2])
    clock = ShortClock()
    engines = replace(
        ENGINES,
        embedder=lambda _: HashEmbedder(),
        pace=lambda: Pace(clock=clock, sleep=clock.sleep),
        fetcher=lambda: Fetcher(
            resolver=lambda *_: ["93.184.216.34"],
            open_connection=lambda _address, _port, seconds: socket.create_connection(("127.0.0.1", port), seconds),
        ),
    )
    services = open_services(load_settings(data_dir=data), engines=engines)
    try:
        services.start()
        found = services.library.workspaces()
        if not found:
            workspace = services.library.create_workspace("kill test").id
            services.sites.add(workspace, START)
        else:
            workspace = found[0].id
        [site] = services.sites.in_workspace(workspace)
        ended(services, site.id)
        print("done", flush=True)
        sys.stdin.read()
    finally:
        services.close()


if __name__ == "__main__":
    main()
