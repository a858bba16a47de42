"""The server's side of a command, without a server."""

import json
import threading
from types import SimpleNamespace

import pytest

from entrypoints.remote import command_lines
from rag.errors import NotFound


def _events(services, *arguments):
    lines = command_lines(lambda: services, list(arguments), stopping=threading.Event())
    return [json.loads(line) for line in lines]


def _library(**methods):
    return SimpleNamespace(library=SimpleNamespace(**methods), start=lambda: None)


def test_results_come_first_and_the_exit_code_last():
    assert _events(_library(workspaces=list), "workspace", "list", "--json") == [{"out": "[]"}, {"exit": 0}]


def test_an_error_is_a_note_and_exit_2():
    def missing():
        raise NotFound("Gone.", hint="Look elsewhere.")

    assert _events(_library(workspaces=missing), "workspace", "list") == [
        {"note": "Gone. Look elsewhere."},
        {"exit": 2},
    ]


def test_a_fault_of_ours_is_told_without_its_text(caplog):
    def broken():
        raise ZeroDivisionError("/secret")

    events = _events(_library(workspaces=broken), "workspace", "list")
    assert events[-1] == {"exit": 2}
    assert "secret" not in str(events)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("arguments", [("serve",), ("eval", "x"), ("open",)])
def test_what_does_not_belong_into_the_server_is_refused(arguments):
    assert _events(_library(), *arguments) == [{"note": "This command does not run inside the server."}, {"exit": 2}]


def test_who_stops_listening_lets_the_command_finish():
    finished = threading.Event()

    class Endless(list):
        def __iter__(self):
            for number in range(5000):
                yield SimpleNamespace(name=f"w{number}", documents=0, chunks=0, conversations=0)
            finished.set()

    lines = command_lines(lambda: _library(workspaces=Endless), ["workspace", "list"], stopping=threading.Event())
    next(lines)
    lines.close()
    assert finished.wait(20)


def test_a_server_that_stops_ends_the_lines():
    stopping, asked = threading.Event(), threading.Event()

    def slow():
        asked.set()
        stopping.wait(20)
        return []

    lines = command_lines(lambda: _library(workspaces=slow), ["workspace", "list"], stopping=stopping)
    threading.Thread(target=lambda: asked.wait(20) and stopping.set()).start()
    assert not any("exit" in line for line in lines)
