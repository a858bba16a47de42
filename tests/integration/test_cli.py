"""The command line's contract, command by command, as scripts see it: JSON on standard output, the rest on standard
error, exit codes."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import command, environment, footnote, needs_embedder
from tests.support.containers import mail
from tests.support.documents import encrypted, pdf
from tests.support.services import files_holding
from workspaces.owner import Ownership

pytestmark = [needs_embedder, pytest.mark.timeout(120)]

TEXT = "The pressure valve opens at 12 bar. It closes again when nine bar are reached."
LEASE = [
    ["The tenant pays the rent on the third of each month.", "The notice period is three months."],
    ["Nothing else."],
]
DOCUMENT_KEYS = {
    "document", "title", "source", "state", "problem", "notes", "media_type", "language", "pages", "characters",
    "chunks", "duplicate", "version", "pending", "container", "members", "tags",
}  # fmt: skip
ADDED_KEYS = DOCUMENT_KEYS | {"failed_inside"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("sources"))
    (folder / "inside" / "deeper").mkdir(parents=True)
    (folder / "inside" / ".hidden").mkdir()
    (folder / "valves.txt").write_text(TEXT)
    (folder / "inside" / "lease.pdf").write_bytes(pdf(LEASE))
    (folder / "inside" / "deeper" / "notes.md").write_text("# Harbour\n\nThe harbour was built of copper in 1881.\n")
    (folder / "inside" / ".hidden" / "secret.txt").write_text("Hidden.")
    (folder / "inside" / ".DS_Store").write_text("x")
    (folder / "inside" / "link.txt").symlink_to(folder / "valves.txt")
    (folder / "bad.docx").write_bytes(b"PK\x03\x04" + b"\0" * 50)
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Path:
    data = Path(tmp_path_factory.mktemp("cli")) / "data"
    added = footnote(data, "add", "-w", "Main", "valves.txt", "inside", "--json", cwd=sources)
    assert added.code == 0, added.err
    return data


def test_adding_gives_one_result_a_source_and_progress_on_standard_error(sources, tmp_path):
    ran = footnote(tmp_path / "data", "add", "-w", "New", "valves.txt", "inside", "--json", cwd=sources)
    assert ran.code == 0, ran.err
    assert {line["source"] for line in ran.lines} == {"valves.txt", "inside/lease.pdf", "inside/deeper/notes.md"}
    for line in ran.lines:
        assert set(line) == ADDED_KEYS
        assert (line["state"], line["problem"], line["duplicate"]) == ("ready", None, False)
    assert {line["pages"] for line in ran.lines} == {0, 2}
    assert "ready" in ran.err


def test_adding_fails_as_a_whole_when_one_source_fails_and_takes_the_others(sources, tmp_path):
    arguments = ["bad.docx", "missing.txt", "empty", "http://127.0.0.1/x", "valves.txt", str(sources / "valves.txt")]
    ran = footnote(tmp_path / "data", "add", "-w", "W", "--json", *arguments, cwd=sources)
    assert ran.code == 1
    assert [line["source"] for line in ran.lines] == arguments
    assert [line["state"] for line in ran.lines] == ["failed"] * 4 + ["ready"] * 2
    assert [(line["problem"] or {}).get("code") for line in ran.lines[:4]] == [
        "damaged", "invalid", "invalid", "forbidden"
    ]  # fmt: skip
    for line in ran.lines[:4]:
        assert set(line) == ADDED_KEYS
        assert line["problem"]["message"]
        assert line["problem"]["hint"]
    assert (ran.lines[4]["duplicate"], ran.lines[5]["duplicate"]) == (False, True)
    assert ran.lines[4]["document"] == ran.lines[5]["document"]
    assert "Traceback" not in ran.err


def test_what_lies_inside_counts_towards_the_exit_code(tmp_path):
    good = mail(attachments={"notes.txt": b"The valve closes at nine bar."})
    bad = mail(subject="Broken", attachments={"broken.pdf": b"%PDF-1.7 " + b"garbage " * 200})
    for name, content in {"good.eml": good, "bad.eml": bad}.items():
        (tmp_path / name).write_bytes(content)
    ran = footnote(tmp_path / "data", "add", "-w", "Mail", "good.eml", "--json", cwd=tmp_path)
    assert (ran.code, len(ran.lines)) == (0, 1), ran.err
    assert (ran.lines[0]["members"], ran.lines[0]["failed_inside"]) == (1, [])
    ran = footnote(tmp_path / "data", "add", "-w", "Mail", "bad.eml", "--json", cwd=tmp_path)
    [line] = ran.lines
    assert (ran.code, line["state"]) == (1, "ready")
    [failed] = line["failed_inside"]
    assert failed["problem"]["code"] == "damaged"
    assert failed["container"] == {"document": line["document"], "title": "Broken", "path": "broken.pdf"}
    people = footnote(tmp_path / "data", "add", "-w", "Mail", "bad.eml", cwd=tmp_path)
    assert "1 file inside" in people.out
    assert "  failed  broken.pdf" in people.out


def test_documents_are_listed(data):
    ran = footnote(data, "documents", "-w", "main", "--json")
    assert ran.code == 0
    assert {record["title"] for record in ran.json} == {"valves", "lease", "Harbour"}
    assert all(set(record) == DOCUMENT_KEYS for record in ran.json)
    people = footnote(data, "documents", "-w", "Main")
    assert "lease: 2 pages, " in people.out


def test_search_gives_passages(data):
    ran = footnote(data, "search", "-w", "Main", "When is the rent paid?", "-k", "2", "--json")
    assert ran.code == 0, ran.err
    assert 1 <= len(ran.json) <= 2
    best = ran.json[0]
    assert set(best) == {"workspace", "document", "title", "page", "place", "span", "score", "text"}
    assert (best["title"], best["page"]) == ("lease", 1)
    assert "third of each month" in best["text"]
    start, end = best["span"]
    assert end - start == len(best["text"])
    plain = footnote(data, "search", "-w", "Main", "At how many bar does the valve open?", "--json").json[0]
    assert (plain["page"], plain["span"]) == (None, [0, len(TEXT)])


def test_ask_without_a_model_quotes_the_documents(data):
    ran = footnote(data, "ask", "-w", "Main", "At how many bar does the pressure valve open?", "--no-model", "--json")
    assert ran.code == 0, ran.err
    answer = ran.json
    told_of_the_way = {"searched", "limited_to", "warning", "receipt"}
    assert set(answer) == {"answer", "refused", "sentences", "citations", "model", "timings"} | told_of_the_way
    assert answer["refused"] is False
    assert "12 bar" in answer["answer"]
    assert answer["model"] is None
    numbers = {citation["n"] for citation in answer["citations"]}
    for sentence in answer["sentences"]:
        assert set(sentence) == {"text", "verdict", "citations"}
        assert sentence["verdict"] in ("supported", "partly", "not_found")
        assert set(sentence["citations"]) <= numbers
    for citation in answer["citations"]:
        assert set(citation) == {"n", "workspace", "document", "title", "page", "place", "span", "quote"}
        start, end = citation["span"]
        assert citation["title"] != "valves" or citation["quote"] == TEXT[start:end]
    assert "valves" in {citation["title"] for citation in answer["citations"]}
    assert {"evidence", "first_token", "total"} == set(answer["timings"])
    people = footnote(data, "ask", "-w", "Main", "At how many bar does the pressure valve open?", "--no-model")
    assert "[1]" in people.out


def test_the_receipt_of_an_answer_is_printed_and_stands_in_the_json(data):
    question = "At how many bar does the pressure valve open?"
    receipt = footnote(data, "ask", "-w", "Main", question, "--no-model", "--json").json["receipt"]
    assert (receipt["asked"], receipt["searched"], receipt["sent"]) == (question, question, None)
    assert receipt["evidence"] >= receipt["threshold"] > 0
    first = receipt["candidates"][0]
    assert (first["title"], first["fate"], first["reason"]) == (
        "valves", "evidence", "Evidence only: no model was asked"
    )  # fmt: skip
    assert all(entry["chunk"] for entry in receipt["candidates"])
    people = footnote(data, "ask", "-w", "Main", question, "--no-model", "--receipt")
    assert "Receipt\n  Asked:" in people.out
    assert "none was asked" in people.out
    assert "Receipt" not in footnote(data, "ask", "-w", "Main", question, "--no-model").out


def test_an_answer_that_is_not_there_is_refused_with_exit_0(data):
    ran = footnote(data, "ask", "-w", "Main", "Who won the chess olympiad of 1972 in Skopje?", "--no-model", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["answer"], ran.json["refused"], ran.json["sentences"]) == (None, True, [])
    assert isinstance(ran.json["citations"], list)


def test_workspaces_are_made_listed_and_deleted(tmp_path, sources):
    data = tmp_path / "data"
    assert footnote(data, "workspace", "list", "--json").json == []
    made = footnote(data, "workspace", "create", "Tax")
    assert made.code == 0
    [listed] = footnote(data, "workspace", "list", "--json").json
    assert (listed["id"], listed["name"], listed["documents"], listed["failed"]) == (made.out.strip(), "Tax", 0, 0)
    again = footnote(data, "workspace", "create", "tax")
    assert (again.code, again.out) == (2, "")
    assert "already a workspace" in again.err
    assert footnote(data, "add", "-w", "Tax", str(sources / "valves.txt")).code == 0
    asked = footnote(data, "workspace", "delete", "Tax")
    assert asked.code == 2
    assert "1 documents and 0 chats" in asked.err
    assert footnote(data, "workspace", "delete", "Tax", "--yes").code == 0
    assert footnote(data, "workspace", "list", "--json").json == []
    assert not [path for path in (data / "originals").rglob("*") if path.is_file()], "off the disk when it returns"


def test_documents_are_deleted_by_id_title_or_name_all_or_none(tmp_path, sources):
    data = tmp_path / "data"
    added = footnote(data, "add", "-w", "W", "--json", str(sources / "valves.txt"), str(sources / "inside"))
    ids = {Path(line["source"]).name: line["document"] for line in added.lines}
    refused = footnote(data, "delete", "-w", "W", ids["valves.txt"], "no such thing")
    assert refused.code == 2
    assert "names 0 documents" in refused.err
    assert len(footnote(data, "documents", "-w", "W", "--json").json) == 3
    assert footnote(data, "delete", "-w", "W", ids["valves.txt"][:10], "lease", "notes.md").code == 0
    assert footnote(data, "documents", "-w", "W", "--json").json == []
    assert not [path for path in (data / "originals").rglob("*") if path.is_file()]


def test_the_doctor_speaks_json_and_by_its_exit_code(data, tmp_path):
    ran = footnote(data, "doctor", "--json")
    assert ran.code == 0, ran.out
    assert [check["id"] for check in ran.json] == [
        "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I13", "I14", "I15",
    ]  # fmt: skip
    assert all(set(check) == {"id", "title", "ok", "detail", "repaired", "about"} for check in ran.json)
    people = footnote(data, "doctor")
    assert people.out.count("ok ") == 15
    assert "SQLite" in people.err


def test_the_doctor_of_a_database_that_cannot_be_opened_says_so(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "footnote.db").write_bytes(b"not a database at all " * 400)
    ran = footnote(data, "doctor", "--json")
    assert ran.code == 1
    [check] = ran.json
    assert (check["id"], check["ok"]) == ("I7", False)
    assert "damaged" in check["detail"]
    other = footnote(data, "documents", "-w", "x")
    assert other.code == 2
    assert "damaged" in other.err
    assert "Traceback" not in ran.err + other.err


def test_a_repair_is_reported(tmp_path, sources):
    data = tmp_path / "data"
    assert footnote(data, "add", "-w", "W", str(sources / "valves.txt")).code == 0
    (data / "originals").chmod(0o755)
    assert footnote(data, "doctor", "--json").code == 1
    mended = footnote(data, "doctor", "--repair", "--json")
    assert mended.code == 0
    assert [check["id"] for check in mended.json if check["repaired"]] == ["I11"]


def test_models_are_listed(data):
    ran = footnote(data, "models", "list", "--json")
    assert ran.code == 0, ran.err
    assert {"key", "label", "available", "detail", "chosen"} == set(ran.json[0])
    assert sum(choice["chosen"] for choice in ran.json) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["search", "-w", "nowhere", "x"], 2, "There is no workspace “nowhere”. Existing workspaces: Main."),
        (["search", "-w", "Main", "  "], 2, "empty"),
        (["search", "-w", "Main", "x", "-k", "0"], 2, "must be 1 to 200"),
        (["search", "-w", "Main", "x", "-k", "many"], 2, "invalid"),
        (["ask", "-w", "Main", ""], 2, "no question"),
        (["documents"], 2, "-w"),
        (["fly"], 2, "invalid choice"),
        ([], 2, "required"),
        (["eval", "nowhere"], 2, "not an evaluation set"),
        (["open"], 2, "not running"),
    ],
)
def test_what_cannot_be_done_is_said_on_standard_error_with_exit_2(data, arguments, code, words):
    ran = footnote(data, *arguments)
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert str(data) not in ran.err


def test_a_wrong_setting_is_named(data):
    ran = footnote(data, "workspace", "list", FOOTNOTE_NUM_CTX="many")
    assert ran.code == 2
    assert "FOOTNOTE_NUM_CTX" in ran.err


def test_a_data_directory_in_use_by_another_command_is_told(tmp_path):
    owner = Ownership(tmp_path / "data")
    owner.take()
    try:
        ran = footnote(tmp_path / "data", "workspace", "list")
    finally:
        owner.release()
    assert ran.code == 2
    assert "already running" in ran.err


def test_an_interrupt_stops_and_the_next_command_goes_on(tmp_path, sources):
    data = tmp_path / "data"
    big = tmp_path / "big.txt"
    big.write_text("\n\n".join(f"Paragraph {number} of the long report. " * 12 for number in range(800)))
    with subprocess.Popen(
        command("add", "-w", "W", str(big)),
        env=environment(data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("chunked"):
                break
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped." in err
    assert "Traceback" not in err
    [record] = footnote(data, "documents", "-w", "W", "--json").json
    assert record["state"] == "chunked"


def test_a_paused_workspace_takes_in_and_reads_nothing_until_it_is_resumed(tmp_path, sources):
    footnote(tmp_path, "workspace", "create", "w")
    assert footnote(tmp_path, "pause", "-w", "w").code == 0
    added = footnote(tmp_path, "add", "-w", "w", str(sources / "valves.txt"), "--json")
    assert (added.code, added.json["state"]) == (1, "stored")
    assert "Reading is paused" in added.err
    assert footnote(tmp_path, "resume").code == 0
    again = footnote(tmp_path, "add", "-w", "w", str(sources / "valves.txt"), "--json")
    assert (again.code, again.json["state"], again.json["duplicate"]) == (0, "ready", True)
    assert footnote(tmp_path, "pause", "-w", "nowhere").code == 2


def test_text_of_documents_cannot_steer_the_terminal(tmp_path):
    hostile = tmp_path / "a\x1b[2Jb.txt"
    hostile.write_text("The colour \x1b[31mred\x07 \x9b2J is hostile. \u202eevil")
    ran = footnote(tmp_path / "data", "add", "-w", "W", str(hostile))
    found = footnote(tmp_path / "data", "search", "-w", "W", "colour red")
    data = footnote(tmp_path / "data", "search", "-w", "W", "colour red", "--json")
    for text in (ran.out, ran.err, found.out, data.out):
        assert not {character for character in text if ord(character) < 32 or 127 <= ord(character) < 160} - {"\n"}
    assert data.json[0]["text"] == "The colour \x1b[31mred\x07 \x9b2J is hostile. \u202eevil", (
        "scripts get it unchanged"
    )


def test_a_reader_that_goes_away_is_no_fault(data):
    arguments = command("documents", "-w", "Main", "--json")
    with subprocess.Popen(arguments, env=environment(data), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read().decode()
        process.wait(60)
    assert "Traceback" not in err
    assert process.returncode in (0, 1)


def test_help_starts_no_engine():
    code = "import sys, entrypoints.cli as cli; cli.build_parser(); print([m for m in sys.modules if m in HEAVY])"
    heavy = {"torch", "chromadb", "onnxruntime", "dbos", "streamlit", "sqlalchemy", "numpy", "xllamacpp"}
    ran = subprocess.run(
        [command()[0], "-c", code.replace("HEAVY", repr(heavy))], capture_output=True, text=True, check=True,
        env=environment(Path("/nowhere")),
    )  # fmt: skip
    assert ran.stdout.strip() == "[]"


def test_a_changed_file_is_a_newer_version_unless_both_are_to_be_kept(tmp_path):
    data, file = tmp_path / "data", tmp_path / "valves.txt"
    first = written(data, file, TEXT)
    second = written(data, file, TEXT.replace("12", "15"))
    assert (second["document"], second["version"], second["state"]) == (first["document"], 2, "ready")
    third = written(data, file, TEXT.replace("12", "18"), "--keep-both")
    assert (third["version"], third["document"] == first["document"]) == (1, False)
    (file.parent / "a").mkdir()
    (file.parent / "b").mkdir()
    for folder in ("a", "b"):
        (file.parent / folder / "readme.txt").write_text(f"{TEXT} In {folder}.")
    ran = footnote(data, "add", "-w", "W", "--json", "a", "b", cwd=tmp_path)
    assert len({line["document"] for line in ran.lines}) == 2, "files that come together are no versions"
    file.write_bytes(b"")
    ran = footnote(data, "add", "-w", "W", "--json", "valves.txt", cwd=tmp_path)
    assert ran.code == 1
    assert (ran.json["state"], ran.json["pending"]["problem"]["code"]) == ("ready", "empty")


def written(data: Path, file: Path, text: str, *options: str) -> dict[str, Any]:
    """What adding a file with this text gives."""
    file.write_text(text)
    ran = footnote(data, "add", "-w", "W", "--json", *options, file.name, cwd=file.parent)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = ran.json
    return found


def test_a_locked_pdf_is_opened_with_what_is_typed(tmp_path):
    data = tmp_path / "data"
    (tmp_path / "locked.pdf").write_bytes(encrypted(LEASE, "Schlüssel"))
    assert footnote(data, "add", "-w", "W", "locked.pdf", cwd=tmp_path).code == 1
    refused = footnote(data, "unlock", "-w", "W", "locked.pdf", typed="falsch\n")
    assert refused.code == 2
    assert "That is not the password." in refused.err
    ran = footnote(data, "unlock", "-w", "W", "locked.pdf", "--json", typed="Schlüssel\n")
    assert (ran.code, ran.json["state"], ran.json["pages"]) == (0, "ready", 2), ran.err
    assert files_holding(data, "Schlüssel".encode()) == []
