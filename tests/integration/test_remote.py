"""While a server owns the data directory, the command line's commands run inside it: same results, same exit codes."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from entrypoints.remote import PATH, SERVED
from entrypoints.tokens import read_token
from tests.support.cli import command, environment, footnote, needs_embedder
from tests.support.documents import encrypted, long_text
from tests.support.services import files_holding
from workspaces.owner import Ownership

pytestmark = [needs_embedder, pytest.mark.timeout(120)]

TEXT = "The pressure valve opens at 12 bar. It closes again when nine bar are reached."


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("remote")) / "data"


@pytest.fixture(scope="module")
def port(data: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    log = (data.parent / "server.log").open("wb")
    variables = environment(data, FOOTNOTE_BUILTIN_MODEL="off")
    with subprocess.Popen(command("serve", "--port", str(port)), env=variables, stdout=log, stderr=log) as server:
        deadline = time.monotonic() + 60
        while (owner := Ownership(data).current()) is None or owner.port != port or not _answers(port):
            assert server.poll() is None, (data.parent / "server.log").read_text()
            assert time.monotonic() < deadline, "the server does not come up"
            time.sleep(0.1)
        yield port
        server.terminate()
        server.wait(30)
    log.close()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/_stcore/health", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def test_every_command_gives_what_it_gives_without_a_server(data, port, tmp_path):
    (tmp_path / "valves.txt").write_text(TEXT)
    added = footnote(data, "add", "-w", "Remote", "valves.txt", "nothing.txt", "--json", cwd=tmp_path)
    assert added.code == 1, added.err
    assert [(line["source"], line["state"]) for line in added.lines] == [
        ("valves.txt", "ready"), ("nothing.txt", "failed")
    ]  # fmt: skip
    assert "ready" in added.err
    assert [item["name"] for item in footnote(data, "workspace", "list", "--json").json] == ["Remote"]
    assert [record["title"] for record in footnote(data, "documents", "-w", "Remote", "--json").json] == ["valves"]
    question = "At how many bar does the pressure valve open?"
    assert footnote(data, "search", "-w", "Remote", question, "--json").json[0]["text"] == TEXT
    answer = footnote(data, "ask", "-w", "Remote", question, "--no-model", "--json")
    assert (answer.code, answer.json["refused"]) == (0, False)
    assert footnote(data, "doctor", "--json").code == 0
    assert footnote(data, "models", "list", "--json").code == 0
    assert footnote(data, "delete", "-w", "Remote", "valves").code == 0
    assert footnote(data, "documents", "-w", "Remote", "--json").json == []
    assert footnote(data, "workspace", "delete", "Remote", "--yes").code == 0
    assert Ownership(data).current().port == port, "it was the server all along"


def test_a_password_reaches_the_server_apart_from_the_arguments(data, port, tmp_path):
    (tmp_path / "locked.pdf").write_bytes(encrypted([["The copper harbour."]], "Schlüssel"))
    assert footnote(data, "add", "-w", "Locked", "locked.pdf", cwd=tmp_path).code == 1
    assert footnote(data, "unlock", "-w", "Locked", "locked.pdf", typed="falsch\n").code == 2
    ran = footnote(data, "unlock", "-w", "Locked", "locked.pdf", "--json", typed="Schlüssel\n")
    assert (ran.code, ran.json["state"]) == (0, "ready"), ran.err
    assert files_holding(data.parent, "Schlüssel".encode()) == [], "neither in the data nor in the server's log"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["search", "-w", "nowhere", "x"], "There is no workspace “nowhere”"),
        (["workspace", "create", ""], "1 to 100 characters"),
        (["add", "-w", "", "x.txt"], "1 to 100 characters"),
    ],
)
def test_errors_come_with_their_words_and_exit_2(data, port, arguments, words):
    ran = footnote(data, *arguments)
    assert (ran.code, ran.out) == (2, ""), ran.err
    assert words in ran.err


def test_progress_arrives_while_the_command_runs(data, port, tmp_path):
    big = tmp_path / "big.txt"
    big.write_text(long_text(3, paragraphs=150))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(
        command("add", "-w", "Slow", str(big), "--json"), env=environment(data), text=True, **pipes
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        running = process.poll() is None
        out, _ = process.communicate(timeout=100)
    assert first.split()[-1] == "big.txt"
    assert running
    assert json.loads(out)["state"] == "ready"
    assert process.returncode == 0


def test_a_listener_that_goes_away_does_not_stop_the_work(data, port, tmp_path):
    big = tmp_path / "left alone.txt"
    big.write_text(long_text(4, paragraphs=150))
    with subprocess.Popen(
        command("add", "-w", "Left", str(big)), env=environment(data), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline()
        process.kill()
    deadline = time.monotonic() + 90
    while (states := [d["state"] for d in footnote(data, "documents", "-w", "Left", "--json").json]) != ["ready"]:
        assert "failed" not in states
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_a_second_server_prints_the_link_of_the_first(data, port):
    ran = footnote(data, "serve", "--port", str(port))
    assert ran.code == 0
    assert f"http://127.0.0.1:{port}/?token=" in ran.out
    opened = footnote(data, "open")
    assert f"http://127.0.0.1:{port}/?token=" in opened.out


def test_the_endpoint_wants_the_users_proof(data, port):
    url = f"http://127.0.0.1:{port}{PATH}"
    body = {"arguments": ["workspace", "list", "--json"]}
    with httpx.Client(trust_env=False) as client:
        assert client.post(url, json=body).status_code == 401
        assert client.post(url, json=body, headers={"Authorization": "Bearer 1.2.3"}).status_code == 401
        good = {"Authorization": f"Bearer {read_token(data)}"}
        assert client.post(url, json=body, headers={**good, "Origin": f"http://127.0.0.1:{port}"}).status_code == 401
        assert client.post(url, json=body, headers=good).status_code == 200, "the control"


@pytest.mark.parametrize("arguments", [["serve"], ["open"], ["eval", "/tmp"], ["fly"], []])
def test_the_endpoint_runs_nothing_but_commands_on_the_data(data, port, arguments):
    headers = {"Authorization": f"Bearer {read_token(data)}"}
    with httpx.Client(trust_env=False) as client:
        reply = client.post(f"http://127.0.0.1:{port}{PATH}", json={"arguments": arguments}, headers=headers)
    events = [json.loads(line) for line in reply.text.splitlines()]
    assert events[-1] == {"exit": 2}
    assert "note" in events[0]
    assert "serve" not in SERVED


def test_a_server_that_does_not_answer_is_told(tmp_path):
    data = tmp_path / "data"
    owner = Ownership(data)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        gone = int(probe.getsockname()[1])
    owner.take(port=gone)
    try:
        without_key = footnote(data, "workspace", "list")
        (data / "access.key").write_bytes(b"k" * 32)
        without_server = footnote(data, "workspace", "list")
    finally:
        owner.release()
    assert (without_key.code, without_server.code) == (2, 2)
    assert "key cannot be read" in without_key.err
    assert "does not answer" in without_server.err
    assert "Traceback" not in without_key.err + without_server.err
