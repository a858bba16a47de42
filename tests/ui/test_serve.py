from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoints import serve, tokens
from rag.errors import DataDirectoryInUse, InvalidInput, NotFound
from workspaces.owner import Ownership
from workspaces.settings import load_settings


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where the server would have listened."""
    calls: list[tuple[str, int]] = []
    monkeypatch.setattr(serve, "_run", lambda _, host, port: calls.append((host, port)))
    return calls


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def owned(*, port: int | None) -> Ownership:
    ownership = Ownership(load_settings().data_dir)
    ownership.take(port=port)
    return ownership


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.5", "example.org", "127.0.0.1.evil.test", ""])
def test_other_hosts_than_loopback_are_refused(started: list[tuple[str, int]], host: str) -> None:
    with pytest.raises(InvalidInput, match="no accounts"):
        serve.serve(host, free())
    assert not started


def test_the_container_may_listen_on_its_own_network(
    started: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_CONTAINER", "1")
    port = free()
    assert serve.serve("0.0.0.0", port) == 0
    assert started == [("0.0.0.0", port)]
    with pytest.raises(InvalidInput):
        serve.serve("192.168.0.5", port)


def test_a_free_port_starts_the_server_with_a_key(started: list[tuple[str, int]]) -> None:
    assert serve.serve("127.0.0.1", free()) == 0
    assert len(started) == 1
    assert (load_settings().data_dir / tokens.KEY_NAME).is_file()


def test_a_taken_port_is_said_with_the_way_out(started: list[tuple[str, int]], taken: int) -> None:
    with pytest.raises(InvalidInput, match=f"Port {taken} is in use") as refusal:
        serve.serve("127.0.0.1", taken)
    assert "PORT=" in refusal.value.hint
    assert not started


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(started: list[tuple[str, int]], port: int) -> None:
    with pytest.raises(InvalidInput):
        serve.serve("127.0.0.1", port)


def test_a_second_start_prints_the_link_of_the_first(
    started: list[tuple[str, int]], taken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tokens.ensure_key(load_settings().data_dir)
    ownership = owned(port=taken)
    assert serve.serve("127.0.0.1", taken) == 0
    ownership.release()
    printed = capsys.readouterr().out
    assert f"http://127.0.0.1:{taken}/?token=" in printed
    assert key.accepts("link", printed.split("token=")[1].split()[0])
    assert not started


def test_a_start_beside_a_command_says_so(started: list[tuple[str, int]]) -> None:
    ownership = owned(port=None)
    with pytest.raises(DataDirectoryInUse):
        serve.serve("127.0.0.1", free())
    ownership.release()


def test_open_without_a_server_says_how_to_start_one() -> None:
    with pytest.raises(NotFound, match="not running"):
        serve.open_running()


def test_open_prints_a_link_and_hands_the_browser_one_that_works_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(serve.webbrowser, "open", opened.append)
    monkeypatch.setattr(serve, "_has_screen", lambda: True)
    key = tokens.ensure_key(load_settings().data_dir)
    ownership = owned(port=8501)
    assert serve.open_running() == 0
    ownership.release()
    assert key.accepts("link", capsys.readouterr().out.split("token=")[1].split()[0])
    assert key.accepts("once", opened[0].split("token=")[1])


def test_the_application_is_loaded_by_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert (serve.ROOT / "asgi.py").is_file()
    assert (serve.ROOT / "app.py").is_file()
