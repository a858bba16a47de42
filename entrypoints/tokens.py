"""Who may talk to the server: one key in the data directory, and short proofs made from it.

Whoever can read the key file (mode 0600) is the user; everyone else on this machine is not. From the key come proofs,
each a time, a random part and a MAC over both: a *link* for the address bar, a *cookie* for the browser that opened it,
a *command* for the command line. No proof can stand in for another, and none reveals the key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rag.errors import StorageError

Purpose = Literal["link", "once", "cookie", "command"]

KEY_NAME = "access.key"
DAY = 24 * 60 * 60
LIFETIME: dict[Purpose, int] = {"link": DAY, "once": 120, "cookie": 30 * DAY, "command": 60}
"""Seconds. `once` is for links on a browser's command line, where other users of this machine can read them."""

_KEY_BYTES = 32
_FUTURE_SECONDS = 60
_PROOF_CHARACTERS = 200


@dataclass(frozen=True)
class AccessKey:
    """Makes proofs and checks them."""

    secret: bytes = field(repr=False)
    _spent: dict[str, float] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def prove(self, purpose: Purpose) -> str:
        """A fresh proof: `time.random.mac`."""
        stem = f"{int(time.time())}.{secrets.token_hex(16)}"
        return f"{stem}.{self._mac(purpose, stem)}"

    def accepts(self, purpose: Purpose, proof: str) -> bool:
        """Whether a proof was made by this key for this purpose and is still valid; a `once` is spent by asking."""
        issued, _, rest = proof.partition(".")
        stem = f"{issued}.{rest.partition('.')[0]}"
        mac = rest.partition(".")[2]
        if len(proof) > _PROOF_CHARACTERS or not proof.isascii() or not issued.isdigit():
            return False
        if not hmac.compare_digest(mac, self._mac(purpose, stem)):
            return False
        if not -_FUTURE_SECONDS <= time.time() - int(issued) <= LIFETIME[purpose]:
            return False
        return purpose != "once" or self._spend(stem)

    def _spend(self, stem: str) -> bool:
        with self._lock:
            oldest = time.time() - LIFETIME["once"] - _FUTURE_SECONDS
            for old in [name for name, when in self._spent.items() if when < oldest]:
                del self._spent[old]
            return self._spent.setdefault(stem, now := time.time()) == now

    def _mac(self, purpose: Purpose, stem: str) -> str:
        return hmac.new(self.secret, f"{purpose}:{stem}".encode(), hashlib.sha256).hexdigest()


def load_key(data_dir: Path) -> AccessKey:
    """The key of a data directory.

    Raises:
        StorageError: there is none (no server ever ran here), or it cannot be read.
    """
    try:
        secret = (data_dir / KEY_NAME).read_bytes()
    except OSError as error:
        raise StorageError(
            "The server's key cannot be read.", hint="Start Footnote first (`footnote serve`)."
        ) from error
    if len(secret) != _KEY_BYTES:
        raise StorageError("The server's key is damaged.", hint="Stop Footnote and start it again.")
    return AccessKey(secret)


def ensure_key(data_dir: Path) -> AccessKey:
    """The key of a data directory, made where there is none or where it is older than a cookie may be.

    Raises:
        StorageError: the directory cannot be written.
    """
    path = data_dir / KEY_NAME
    try:
        if path.is_file() and path.stat().st_size == _KEY_BYTES and time.time() - path.stat().st_mtime < 30 * DAY:
            path.chmod(0o600)
            return load_key(data_dir)
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = secrets.token_bytes(_KEY_BYTES)
        temporary = path.with_suffix(".tmp")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secret)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(
            "The data directory cannot be written.", hint="Check its permissions and that the disk is not full."
        ) from error
    return AccessKey(secret)


def read_token(data_dir: Path) -> str:
    """A proof for one command line call. Raises StorageError."""
    return load_key(data_dir).prove("command")


def link(data_dir: Path, port: int, *, purpose: Literal["link", "once"] = "link") -> str:
    """The address that opens the server on `port` in a browser. Raises StorageError."""
    return f"http://127.0.0.1:{port}/?token={load_key(data_dir).prove(purpose)}"
