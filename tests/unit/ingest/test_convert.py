"""Old office files through LibreOffice, played here by a stand-in on PATH: success, failure, hanging, crashing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ingest import convert, media
from ingest.convert import ConversionLimits, converted
from ingest.loaders import assemble, loader_for
from rag.errors import Cancelled, DamagedSource, FootnoteError, TooLarge, UnsupportedType
from tests.support.office_files import docx, paragraph

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script with a shebang line")
Play = Callable[[str], Path]
HEAD = """#!{python}
import os, sys, subprocess, time
from pathlib import Path
source = Path(sys.argv[-1])
out = Path(sys.argv[sys.argv.index("--outdir") + 1])
Path({seen!r}).write_text(chr(10).join([str(os.getpid()), str(source.parent), str(os.environ.get("SOME_API_KEY")),
    source.name, source.read_text(), *sys.argv]))
"""


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let a program stand in for LibreOffice; gives the file in which it says what it saw."""
    folder, seen = tmp_path / "bin", tmp_path / "seen"
    folder.mkdir()
    monkeypatch.setattr(convert, "_PROGRAMS", ("soffice", "libreoffice"))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("SOME_API_KEY", "canary")

    def write(code: str) -> Path:
        program = folder / "soffice"
        program.write_text(HEAD.format(python=sys.executable, seen=str(seen)) + code)
        program.chmod(0o755)
        return seen

    return write


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "0a1b2c"
    path.write_text("old bytes")
    return path


def run(path: Path, media_type: str = media.DOC, *, limits: ConversionLimits | None = None) -> str:
    with converted(path, media_type, cancelled=lambda: False, limits=limits) as (read, read_as):
        return assemble(loader_for(read_as).load(read, title=None)).text


def gone(seen: Path) -> bool:
    """Whether the stand-in and its folder have gone."""
    pid, folder, *_ = seen.read_text().splitlines()
    return not psutil.pid_exists(int(pid)) and not Path(folder).exists()


def test_what_needs_no_conversion_is_handed_on_as_it_is(old: Path) -> None:
    with converted(old, media.DOCX, cancelled=lambda: False) as found:
        assert found == (old, media.DOCX)


def test_an_old_document_is_converted_and_read(play: Play, old: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.docx"
    made.write_bytes(docx(paragraph("Once old.")))
    seen = play(f"(out / 'document.docx').write_bytes(Path({str(made)!r}).read_bytes())")
    assert run(old) == "Once old."
    _, folder, key, name, content, _, *arguments = seen.read_text().splitlines()
    assert (key, name, content) == ("None", "document.doc", "old bytes")
    assert f"-env:UserInstallation=file://{folder}/profile" in arguments
    assert "docx:MS Word 2007 XML" in arguments
    assert gone(seen)


def test_its_profile_forbids_macros_and_connections(play: Play, old: Path) -> None:
    seen = play(
        "text = (source.parent / 'profile/user/registrymodifications.xcu').read_text()\n"
        f"Path({str(old)!r}).write_text(text)"
    )
    with pytest.raises(DamagedSource):
        run(old)
    for setting in ("DisableMacrosExecution", "BlockUntrustedRefererLinks", "ooInetHTTPSProxyPort"):
        assert setting in old.read_text()
    assert seen.exists()


def test_without_libreoffice_the_way_out_is_named(old: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(convert, "_PROGRAMS", ("soffice", "libreoffice"))
    monkeypatch.setenv("PATH", str(tmp_path))
    for media_type, ending in ((media.DOC, ".docx"), (media.PPT, ".pptx")):
        with pytest.raises(UnsupportedType, match="LibreOffice") as caught:
            run(old, media_type)
        assert caught.value.hint == f"Install LibreOffice, or save it as {ending} and add that."


@pytest.mark.parametrize(
    "code",
    [
        "",
        "sys.exit(1)",
        "os.abort()",
        "(out / 'document.docx').touch()",
        "os.symlink('/etc/passwd', out / 'document.docx')",
    ],
)
def test_a_conversion_that_makes_nothing_is_a_damaged_file(play: Play, old: Path, code: str) -> None:
    seen = play(code)
    with pytest.raises(DamagedSource, match="password") as caught:
        run(old)
    assert caught.value.hint
    assert str(old.parent) not in caught.value.message + caught.value.hint
    assert gone(seen)


@pytest.mark.parametrize(
    ("code", "limits", "what"),
    [
        ("time.sleep(600)", ConversionLimits(seconds=0.5), "seconds"),
        ("held = bytearray(300 * 2**20)\ntime.sleep(600)", ConversionLimits(memory_bytes=200 * 2**20), "of memory"),
        ("(out / 'x').write_bytes(bytes(2**20))\ntime.sleep(600)", ConversionLimits(written_bytes=2**19), "writes"),
    ],
)
def test_a_conversion_past_a_limit_is_ended(
    play: Play, old: Path, code: str, limits: ConversionLimits, what: str
) -> None:
    seen = play(code)
    with pytest.raises(TooLarge, match=what):
        run(old, limits=limits)
    assert gone(seen)


def test_what_it_started_is_ended_with_it(play: Play, old: Path, tmp_path: Path) -> None:
    child = tmp_path / "child"
    play(
        "started = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"Path({str(child)!r}).write_text(str(started.pid))"
    )
    with pytest.raises(DamagedSource):
        run(old)
    pid = int(child.read_text())
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # the test's limit ends this
        time.sleep(0.01)


def test_cancelling_ends_it(play: Play, old: Path) -> None:
    seen = play("time.sleep(600)")
    with (
        pytest.raises(Cancelled),
        converted(old, media.DOC, cancelled=lambda: seen.exists() and seen.stat().st_size > 0),
    ):
        raise AssertionError("it must not come to this")
    assert gone(seen)


def test_a_program_that_cannot_be_started_is_named(play: Play, old: Path) -> None:
    seen = play("")
    (seen.parent / "bin" / "soffice").write_text("#!/no/such/interpreter\n")
    with pytest.raises(FootnoteError, match="does not start") as caught:
        run(old)
    assert caught.value.hint
