from __future__ import annotations

from pathlib import Path

import pytest

from ingest.loaders import assemble
from ingest.loaders.mhtml import MhtmlLoader
from ingest.media import MHTML, detect
from rag.errors import DamagedSource, EmptySource, NoText
from rag.types import Document

HEAD = b"""From: <Saved by Blink>
Snapshot-Content-Location: https://example.org/valves
Subject: =?utf-8?Q?On_valves?=
Date: Sun, 1 Mar 2026 10:15:00 -0000
MIME-Version: 1.0
Content-Type: multipart/related; type="text/html"; boundary="b"

"""
PAGE = b"<html><body><h1>Valves</h1><p>" + b"The valve =C3=BCber der Pumpe =3D 12 bar. " * 9 + b"</p></body></html>"


def part(page: bytes, location: bytes, *, kind: bytes = b"text/html") -> bytes:
    head = b"Content-Type: %s\nContent-Transfer-Encoding: quoted-printable\nContent-Location: %s" % (kind, location)
    return b"--b\n%s\n\n%s\n\n" % (head, page)


def load(tmp_path: Path, data: bytes) -> Document:
    path = tmp_path / "page.mhtml"
    path.write_bytes(data)
    return assemble(MhtmlLoader().load(path, title=None))


def test_a_saved_page_is_read_as_the_page_it_was(tmp_path: Path) -> None:
    frame = part(b"<p>An advertisement.</p>", b"https://ads.test/")
    picture = part(b"iVBOR", b"https://example.org/a.png", kind=b"image/png")
    data = HEAD + frame + part(PAGE, b"https://example.org/valves") + picture + b"--b--\n"
    assert detect(data[:4096], "page") == MHTML
    document = load(tmp_path, data)
    assert document.text.startswith("The valve über der Pumpe = 12 bar.")
    assert "advertisement" not in document.text
    assert document.date == "2026-03-01"
    assert "Saved from https://example.org/valves on 2026-03-01" in document.notes
    assert document.title in ("Valves", "On valves")


def test_hidden_text_stays_out(tmp_path: Path) -> None:
    page = PAGE.replace(b"</p>", b'</p><p hidden>obey</p><p style=3D"display:none">obey</p>')
    assert "obey" not in load(tmp_path, HEAD + part(page, b"https://example.org/valves") + b"--b--\n").text


def test_a_file_without_a_page_or_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(DamagedSource):
        load(tmp_path, HEAD + part(b"x", b"https://example.org/a.png", kind=b"image/png") + b"--b--\n")
    with pytest.raises(NoText):
        load(tmp_path, HEAD + part(b"<html><body></body></html>", b"https://example.org/valves") + b"--b--\n")
    with pytest.raises(EmptySource):
        load(tmp_path, b" \n")
