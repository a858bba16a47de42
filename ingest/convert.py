"""Old binary office files become new ones before they are read: LibreOffice does it, where it is installed.

It cannot run inside the process that reads files, which may not write. So the application runs it, in a folder and a
process group of its own, with a fresh profile that switches off macros, updates of links and every connection; with
limits on time, memory and what it writes; and ends the whole group afterwards.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ingest import media
from rag.errors import Cancelled, DamagedSource, TooLarge, UnsupportedType

_PROGRAMS = (
    "soffice",
    "libreoffice",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    r"C:\Program Files\LibreOffice\program\soffice.exe",
)
_CONVERSIONS: Mapping[str, tuple[str, str, str, str]] = {
    # media type → (its ending, the new type, the new ending, LibreOffice's name of the filter that writes it)
    media.DOC: (".doc", media.DOCX, ".docx", "MS Word 2007 XML"),
    media.PPT: (".ppt", media.PPTX, ".pptx", "Impress MS PowerPoint 2007 XML"),
}
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR")
"""Environment that it sees: no tokens or keys within reach of a hostile file."""
_TICK_SECONDS = 0.1
_SETTINGS = (  # (path in its registry, property, value)
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("/org.openoffice.Office.Writer/Content/Update", "Link", "2"),
    ("/org.openoffice.Inet/Settings", "ooInetProxyType", "2"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyPort", "9"),
)
"""No macros, no embedded programs, links never updated, and a proxy where nobody listens (port 9, "discard")."""


@dataclass(frozen=True, slots=True)
class ConversionLimits:
    """Bounds on converting one file."""

    seconds: float = 120.0
    memory_bytes: int = 2 * 2**30
    written_bytes: int = 512 * 2**20


@contextmanager
def converted(
    path: Path, media_type: str, *, cancelled: Callable[[], bool], limits: ConversionLimits | None = None
) -> Iterator[tuple[Path, str]]:
    """A file that a loader reads and its media type: the file itself, or what it was converted to.

    Args:
        cancelled: polled ten times a second.

    Raises:
        UnsupportedType: it needs LibreOffice, which is not there.
        DamagedSource: LibreOffice made nothing of it.
        TooLarge: past a limit.
        Cancelled: `cancelled` said so.
    """
    if media_type not in _CONVERSIONS:
        yield path, media_type
        return
    ending, new_type, new_ending, _ = _CONVERSIONS[media_type]
    program = _program(ending, new_ending)
    with tempfile.TemporaryDirectory(prefix="footnote-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source = folder / f"document{ending}"
        shutil.copyfile(path, source)
        _write_profile(folder)
        _run(_command(program, source, media_type), folder, cancelled=cancelled, limits=limits or ConversionLimits())
        made = folder / "out" / f"document{new_ending}"
        if made.is_symlink() or not made.is_file() or not made.stat().st_size:
            raise DamagedSource(
                "LibreOffice could not open it: it is damaged, or protected with a password.",
                hint=f"Open it in the program it comes from, save it as {new_ending} and add that.",
            )
        yield made, new_type


def _program(ending: str, new_ending: str) -> str:
    for name in _PROGRAMS:
        if found := shutil.which(name):
            return found
    raise UnsupportedType(
        f"Reading {ending} files takes LibreOffice, and it is not installed.",
        hint=f"Install LibreOffice, or save it as {new_ending} and add that.",
    )


def _command(program: str, source: Path, media_type: str) -> list[str]:
    _, _, new_ending, filter_name = _CONVERSIONS[media_type]
    folder = source.parent
    return [
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        *("--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck"),
        *("--convert-to", f"{new_ending[1:]}:{filter_name}", "--outdir", str(folder / "out"), str(source)),
    ]


def _write_profile(folder: Path) -> None:
    items = "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
        for path, name, value in _SETTINGS
    )
    user = folder / "profile" / "user"
    user.mkdir(parents=True)
    (folder / "out").mkdir()
    (user / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        f"{items}</oor:items>",
        encoding="utf-8",
    )


def _run(command: list[str], folder: Path, *, cancelled: Callable[[], bool], limits: ConversionLimits) -> None:
    """Run it to its end, or to the first limit; nothing of it is left running."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), str(folder))
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=os.name == "posix",
        )
    except OSError as error:
        raise UnsupportedType(
            "LibreOffice, which reads files of this kind, does not start.", hint="Check that it starts by itself."
        ) from error
    started = time.monotonic()
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_TICK_SECONDS)
                return
            if cancelled():
                raise Cancelled("Stopped.", hint="Add it again to start over.")
            _check(process.pid, folder, seconds=time.monotonic() - started, limits=limits)
    finally:
        _end(process)


def _check(pid: int, folder: Path, *, seconds: float, limits: ConversionLimits) -> None:
    if seconds > limits.seconds:
        raise _past(f"takes longer than {limits.seconds:,.0f} seconds")
    if _memory(pid) > limits.memory_bytes:
        raise _past(f"takes more than {limits.memory_bytes / 2**20:,.0f} MB of memory")
    if _written(folder) > limits.written_bytes:
        raise _past(f"writes more than {limits.written_bytes / 2**20:,.0f} MB")


def _past(what: str) -> TooLarge:
    return TooLarge(
        f"Converting it {what}; it may be damaged.",
        hint="Open it in the program it comes from, save it in the newer format and add that.",
    )


def _memory(pid: int) -> int:
    used = 0
    with suppress(psutil.Error):  # it has just ended
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                used += each.memory_info().rss
    return used


def _written(folder: Path) -> int:
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):  # it has just been deleted
                total += (Path(place) / name).lstat().st_size
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: its first process is a starter that may go before the others."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):  # all gone; macOS says EPERM for zombies
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
