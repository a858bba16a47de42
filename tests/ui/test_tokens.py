from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from entrypoints import tokens
from rag.errors import StorageError


@pytest.fixture
def key(tmp_path: Path) -> tokens.AccessKey:
    return tokens.ensure_key(tmp_path)


def test_the_key_is_private_and_stays(tmp_path: Path) -> None:
    first = tokens.ensure_key(tmp_path / "data")
    file = tmp_path / "data" / tokens.KEY_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert tokens.ensure_key(tmp_path / "data") == first == tokens.load_key(tmp_path / "data")


def test_a_key_that_others_may_read_is_made_private_again(tmp_path: Path) -> None:
    tokens.ensure_key(tmp_path)
    (tmp_path / tokens.KEY_NAME).chmod(0o644)
    tokens.ensure_key(tmp_path)
    assert stat.S_IMODE((tmp_path / tokens.KEY_NAME).stat().st_mode) == 0o600


def test_a_key_older_than_a_cookie_may_be_is_replaced(tmp_path: Path) -> None:
    old = tokens.ensure_key(tmp_path)
    month = time.time() - 31 * tokens.DAY
    os.utime(tmp_path / tokens.KEY_NAME, (month, month))
    assert tokens.ensure_key(tmp_path) != old


def test_without_a_key_there_is_no_token(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        tokens.read_token(tmp_path)


@pytest.mark.parametrize("purpose", ["link", "once", "cookie", "command"])
def test_a_proof_holds_for_its_purpose_only(key: tokens.AccessKey, purpose: tokens.Purpose) -> None:
    proof = key.prove(purpose)
    for other in tokens.LIFETIME:
        assert key.accepts(other, proof) is (other == purpose)


def test_a_proof_for_a_command_line_can_be_spent_once(key: tokens.AccessKey) -> None:
    once, link = key.prove("once"), key.prove("link")
    assert [key.accepts("once", once) for _ in range(2)] == [True, False]
    assert [key.accepts("link", link) for _ in range(2)] == [True, True]


@pytest.mark.parametrize("purpose", ["link", "once", "cookie", "command"])
def test_a_proof_ends(key: tokens.AccessKey, purpose: tokens.Purpose, monkeypatch: pytest.MonkeyPatch) -> None:
    proof, issued = key.prove(purpose), time.time()
    monkeypatch.setattr(time, "time", lambda: issued + tokens.LIFETIME[purpose] + 2)
    assert not key.accepts(purpose, proof)


def test_proofs_from_the_future_are_refused(key: tokens.AccessKey, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = time.time()
    monkeypatch.setattr(time, "time", lambda: issued + 3600)
    proof = key.prove("cookie")
    monkeypatch.setattr(time, "time", lambda: issued)
    assert not key.accepts("cookie", proof)


def test_forged_proofs_are_refused(key: tokens.AccessKey, tmp_path: Path) -> None:
    proof = key.prove("cookie")
    issued, random, mac = proof.split(".")
    other = tokens.ensure_key(tmp_path / "other")
    forged = [
        "",
        ".",
        "..",
        "x",
        proof[:-1],
        proof + "0",
        f"{int(issued) + 1}.{random}.{mac}",
        f"{issued}..{mac}",
        "é" * 9,
        f"-1.{random}.{mac}",
        "1" * 5000,
        other.prove("cookie"),
        f"²{issued}.{random}.{mac}",
    ]
    assert key.accepts("cookie", proof)
    assert not any(key.accepts("cookie", text) for text in forged)


def test_the_key_does_not_show_in_its_repr_or_proofs(key: tokens.AccessKey) -> None:
    assert key.secret.hex() not in key.prove("link")
    assert str(key.secret) not in repr(key)
