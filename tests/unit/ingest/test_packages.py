"""ZIP-based documents: what is refused before and while they are unpacked."""

from __future__ import annotations

import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from ingest.loaders import packages
from ingest.loaders.packages import Package, resolve
from rag.errors import DamagedSource, EmptySource, PasswordNeeded, SourceError, TooLarge

BILLION = b'<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    def pack(parts: dict[str, bytes]) -> Path:
        path = tmp_path / "file.docx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in parts.items():
                archive.writestr(name, data)
        return path

    return pack


class Counter:
    elements = 0

    def start(self, tag: str, attributes: object) -> None:
        self.elements += 1

    def end(self, tag: str) -> None:
        pass

    def data(self, data: str) -> None:
        pass


def test_parts_are_read_by_name_without_regard_to_case(packed: Callable[[dict[str, bytes]], Path]) -> None:
    counter = Counter()
    with Package(packed({"word/Document.xml": b"<a><b x='1'>t</b>u<!-- c --><?p i?>v</a>"})) as package:
        assert package.names == ("word/Document.xml",)
        assert "word/document.xml" in package
        assert package.read("word/document.XML").startswith(b"<a>")
        assert etree.tostring(package.tree("word/document.xml")) == b'<a><b x="1">t</b>uv</a>'
        package.stream("word/document.xml", counter)
    assert counter.elements == 2


def test_names_with_backslashes_are_those_with_slashes(packed: Callable[[dict[str, bytes]], Path]) -> None:
    with Package(packed({"word\\document.xml": b"<a/>"})) as package:
        assert "word/document.xml" in package


@pytest.mark.parametrize(
    "data",
    [
        BILLION,
        b"<!DOCTYPE a SYSTEM 'http://127.0.0.1/x.dtd'><a/>",
        b"<?xml version='1.0'?><!-- before --><!DOCTYPE a [<!ENTITY % p SYSTEM 'file:///etc/passwd'>%p;]><a/>",
        "<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a><a/>".encode("utf-16"),
    ],
)
def test_a_doctype_is_refused_by_name_as_tree_and_as_stream(
    packed: Callable[[dict[str, bytes]], Path], data: bytes
) -> None:
    with Package(packed({"a.xml": data})) as package:
        for read in (lambda: package.tree("a.xml"), lambda: package.stream("a.xml", Counter())):
            with pytest.raises(DamagedSource, match="construct that office programs never write") as caught:
                read()
            assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"text", b"<a><b></a>", b"<a>", b"<a>&b;</a>"])
def test_xml_that_is_not_well_formed_is_damaged(packed: Callable[[dict[str, bytes]], Path], data: bytes) -> None:
    with Package(packed({"a.xml": data})) as package, pytest.raises(DamagedSource, match="not complete"):
        package.tree("a.xml")


def test_deep_nesting_is_refused_and_the_usual_depth_is_not(packed: Callable[[dict[str, bytes]], Path]) -> None:
    parts = {f"{depth}.xml": b"<a>" * depth + b"</a>" * depth for depth in (256, 5000)}
    with Package(packed(parts)) as package:
        assert package.tree("256.xml") is not None
        for read in (lambda: package.tree("5000.xml"), lambda: package.stream("5000.xml", Counter())):
            with pytest.raises(DamagedSource, match="nests"):
                read()


@pytest.mark.parametrize("name", ["../outside.xml", "/etc/passwd", "C:\\x.xml", "word/../../x.xml", "..\\x.xml"])
def test_names_that_point_outside_are_refused(packed: Callable[[dict[str, bytes]], Path], name: str) -> None:
    with pytest.raises(DamagedSource, match="outside"):
        Package(packed({name: b"<a/>"}))


def test_two_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", b"<a/>")
        archive.writestr("word\\document.xml", b"<b/>")
    with pytest.raises(DamagedSource, match="same name"):
        Package(path)


def test_a_bomb_is_refused_before_it_is_unpacked_and_large_pictures_are_not(
    packed: Callable[[dict[str, bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = packed({"word/document.xml": bytes(2**20)})
    with Package(bomb):  # small enough to be harmless
        pass
    monkeypatch.setattr(packages, "_HARMLESS", 2**19)
    with pytest.raises(DamagedSource, match="times its size"):
        Package(bomb)
    with Package(packed({"word/document.xml": b"<a/>", "word/media/a.png": random.randbytes(2**20)})):
        pass


def test_counts_and_sizes_have_limits_with_their_figures(
    packed: Callable[[dict[str, bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed({f"{number}.xml": b"<a/>" for number in range(5)})
    monkeypatch.setattr(packages, "MEMBERS", 4)
    with pytest.raises(TooLarge, match="5 files; the limit is 4"):
        Package(path)
    monkeypatch.setattr(packages, "MEMBERS", 5)
    monkeypatch.setattr(packages, "UNPACKED", 10)
    with pytest.raises(TooLarge, match="limit is"):
        Package(path)


def test_a_part_past_its_limit_is_refused(
    packed: Callable[[dict[str, bytes]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed({"a.xml": b"<a>" + b" " * 200_000 + b"</a>"})
    with Package(path) as package:
        assert package.tree("a.xml").tag == "a"
        monkeypatch.setattr(packages, "WHOLE", 100_000)
        with pytest.raises(TooLarge):
            package.tree("a.xml")
        with pytest.raises(TooLarge):
            package.read("a.xml", limit=100_000)


def test_a_header_that_understates_a_size_does_not_get_more_unpacked(
    packed: Callable[[dict[str, bytes]], Path],
) -> None:
    path = packed({"a.xml": b"<a>" + b" " * 200_000 + b"</a>"})
    honest, lie = struct.pack("<L", 200_007), struct.pack("<L", 50)
    path.write_bytes(path.read_bytes().replace(honest, lie))
    with Package(path) as package, pytest.raises(DamagedSource):
        package.tree("a.xml")


def test_members_that_are_encrypted_need_a_password(packed: Callable[[dict[str, bytes]], Path]) -> None:
    path = packed({"a.xml": b"<a/>"})
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(PasswordNeeded) as caught:
        Package(path)
    assert caught.value.hint


def test_methods_that_office_programs_do_not_use_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.xml", b"<a/>")
    with Package(path) as package, pytest.raises(DamagedSource, match="packed in a way"):
        package.read("a.xml")


def test_an_encrypted_office_file_needs_a_password_and_an_old_one_under_a_new_name_does_not(tmp_path: Path) -> None:
    path = tmp_path / "file.docx"
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)
    path.write_bytes(ole + "EncryptedPackage".encode("utf-16-le") + bytes(100))
    with pytest.raises(PasswordNeeded) as caught:
        Package(path)
    assert "remove the password" in caught.value.hint
    path.write_bytes(ole + "WordDocument".encode("utf-16-le"))
    with pytest.raises(DamagedSource, match="older"):
        Package(path)


def test_a_file_cut_at_any_place_is_an_error_with_a_hint(packed: Callable[[dict[str, bytes]], Path]) -> None:
    path = packed({"a.xml": b"<a>" + b"text " * 1000 + b"</a>"})
    data = path.read_bytes()
    for part in range(16):
        path.write_bytes(data[: len(data) * part // 16])
        with pytest.raises(SourceError) as caught:
            Package(path)
        assert caught.value.hint
        assert isinstance(caught.value, EmptySource if not part else DamagedSource)


def test_a_part_that_is_not_there_is_damage(packed: Callable[[dict[str, bytes]], Path]) -> None:
    with Package(packed({"a.xml": b"<a/>"})) as package, pytest.raises(DamagedSource, match="missing"):
        package.read("b.xml")


def test_references_lead_to_members_and_never_out_of_the_package() -> None:
    assert resolve("word/document.xml", "footnotes.xml") == "word/footnotes.xml"
    assert resolve("ppt/slides/slide1.xml", "../notesSlides/notesSlide1.xml") == "ppt/notesSlides/notesSlide1.xml"
    assert resolve("", "/word/document.xml") == "word/document.xml"
    assert resolve("word/document.xml", "../../etc/passwd") == ""
