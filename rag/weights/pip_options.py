"""Which package index to ask, in pip's own words.

pip is asked in a child process for the options an install would run with: defaults, configuration files and PIP_…
variables, in pip's order of strength. So a mirror that is set for pip serves weights too, and no index is named here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from rag.errors import WeightsError

_SECONDS = 60.0  # for the child process; a cold start of pip takes 2 to 5
_PIP_TIMEOUT = 15.0  # pip's own default
_SCRIPT = """
import json, sys
from pip._internal.commands import create_command
options = create_command("install").parser.parse_args([])[0]
names = ("index_url", "extra_index_urls", "no_index", "find_links", "cert", "client_cert", "trusted_hosts",
         "timeout", "proxy")
print(json.dumps({name: getattr(options, name, None) for name in names}))
"""


@dataclass(frozen=True, slots=True)
class PipOptions:
    """Where pip looks for packages and how it connects. Addresses may carry credentials: never show them."""

    indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    timeout: float = _PIP_TIMEOUT
    """Seconds without a byte before a connection counts as dead."""
    proxy: str | None = None


def read_pip_options(*, python: str = sys.executable) -> PipOptions:
    """The options an install by `python`'s pip would run with.

    Raises:
        WeightsError: there is no pip, or its configuration cannot be read.
    """
    command = [python, "-P", "-c", _SCRIPT]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        options = json.loads(result.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise WeightsError(
            "pip could not be asked where packages come from.",
            hint="Check that `python -m pip config list` works, and correct pip's configuration if it does not.",
        ) from error
    indexes = [] if options["no_index"] else [options["index_url"], *(options["extra_index_urls"] or [])]
    return PipOptions(
        indexes=tuple(index for index in indexes if index),
        find_links=tuple(options["find_links"] or []),
        cert=options["cert"],
        client_cert=options["client_cert"],
        trusted_hosts=tuple(options["trusted_hosts"] or []),
        timeout=float(options["timeout"] or _PIP_TIMEOUT),
        proxy=options["proxy"] or None,
    )
