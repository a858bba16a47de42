"""Run inside an empty network namespace: makes every address local, listens on ports 80 and 443, tries all forms.

Prints figures as key=value. Started by test_ssrf.py.
"""

from __future__ import annotations

import selectors
import socket
import subprocess
import threading
from contextlib import suppress

from ingest.fetch import Fetcher, FetchLimits
from rag.errors import ForbiddenAddress, SourceError
from tests.faults.ssrf_forms import forms, resolver_for
from tests.web import answer

PAGE = answer(b"<p>inside</p>")


class Canaries:
    """Listeners on every address of this namespace."""

    def __init__(self) -> None:
        self.hits = 0
        self._selector = selectors.DefaultSelector()
        for port in (80, 443, 8080):
            for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                listener = socket.socket(family, socket.SOCK_STREAM)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind((host, port))
                listener.listen(128)
                self._selector.register(listener, selectors.EVENT_READ)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                listener = key.fileobj
                if not isinstance(listener, socket.socket):
                    continue
                connection, _peer = listener.accept()
                self.hits += 1
                with suppress(OSError):
                    connection.settimeout(2)
                    connection.recv(4096)
                    connection.sendall(PAGE)
                connection.close()


def main() -> None:
    for command in (
        "ip link set lo up",
        "ip route add local default dev lo",
        "ip -6 route add local default dev lo",
    ):
        subprocess.run(command.split(), check=True)
    canaries = Canaries()
    limits = FetchLimits(seconds=5)
    tried = list(forms())
    not_refused = 0
    for form in tried:
        try:
            Fetcher(resolver=resolver_for(form), limits=limits).fetch(form.url)
            not_refused += 1
        except ForbiddenAddress:
            pass
        except SourceError:
            not_refused += 1
    guarded_hits = canaries.hits
    for form in tried:
        if form.plain:
            with suppress(SourceError):
                Fetcher(resolver=resolver_for(form), limits=limits, refuse=lambda address: None).fetch(form.url)
    print(
        f"forms={len(tried)} not_refused={not_refused} guarded_hits={guarded_hits} "
        f"unguarded_hits={canaries.hits - guarded_hits}"
    )


if __name__ == "__main__":
    main()
