from __future__ import annotations

from pathlib import Path

import pytest

from rag.weights.connection import Connection, TransferError
from rag.weights.index import find_wheels
from rag.weights.pip_options import PipOptions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "simple"


def page(folder: Path, package: str, html: str) -> None:
    (folder / package).mkdir(parents=True)
    (folder / package / "index.html").write_text(html)


def found(options: PipOptions, package: str = "toy-part1", version: str = "1.2.3") -> list[tuple[str, str | None]]:
    with Connection(options) as connection:
        links = find_wheels(options, connection, package=package, version=version)
        return [(link.url.rpartition("/")[2], link.sha256) for link in links]


WHEEL = "toy_part1-1.2.3-py3-none-any.whl"


def test_a_wheel_is_found_with_its_hash_by_relative_links(folder: Path) -> None:
    page(folder, "toy-part1", f'<a href="../../files/{WHEEL}#sha256={"a" * 64}">x</a>')
    assert found(PipOptions(indexes=(folder.as_uri(),))) == [(WHEEL, "a" * 64)]


@pytest.mark.parametrize("package", ["toy-part1", "Toy.Part1", "toy_part1"])
def test_names_are_compared_as_packages_are_named(folder: Path, package: str) -> None:
    page(folder, "toy-part1", f'<a href="{WHEEL}">x</a>')
    assert found(PipOptions(indexes=(folder.as_uri() + "/",)), package) == [(WHEEL, None)]


@pytest.mark.parametrize(
    "name",
    [
        "toy_part1-1.2.30-py3-none-any.whl",
        "toy_part1-1.2.3.tar.gz",
        "toy_part10-1.2.3-py3-none-any.whl",
        "toy-1.2.3-py3-none-any.whl",
        "toy_part1-1.2.3.whl",
    ],
)
def test_other_packages_versions_and_formats_are_left_alone(folder: Path, name: str) -> None:
    page(folder, "toy-part1", f'<a href="{name}">x</a>')
    assert found(PipOptions(indexes=(folder.as_uri(),))) == []


def test_link_folders_come_before_indexes_and_missing_places_hold_nothing(folder: Path, tmp_path: Path) -> None:
    page(folder, "toy-part1", f'<a href="{WHEEL}#sha256={"b" * 64}">x</a>')
    links = tmp_path / "links"
    links.mkdir()
    (links / WHEEL).write_bytes(b"")
    missing = str(tmp_path / "missing")
    options = PipOptions(indexes=((tmp_path / "no-index").as_uri(), folder.as_uri()), find_links=(missing, str(links)))
    assert found(options) == [(WHEEL, None), (WHEEL, "b" * 64)]


def test_a_page_of_links_is_read_with_its_base(tmp_path: Path) -> None:
    listing = tmp_path / "links.html"
    listing.write_text(f'<base href="https://mirror.example/deep/"><a href="{WHEEL}">x</a><a>no target</a>')
    options = PipOptions(find_links=(str(listing),))
    with Connection(options) as connection:
        links = list(find_wheels(options, connection, package="toy-part1", version="1.2.3"))
    assert [link.url for link in links] == [f"https://mirror.example/deep/{WHEEL}"]
    assert links[0].local_path is None


@pytest.mark.parametrize(
    ("address", "trusted", "allowed"),
    [
        ("https://mirror.example", (), True),
        ("http://mirror.example", (), False),
        ("http://mirror.example", ("mirror.example",), True),
        ("http://mirror.example:8080", ("mirror.example:8080",), True),
        ("http://127.0.0.1:1234", (), True),
        ("ftp://mirror.example", (), False),
    ],
)
def test_without_tls_only_this_machine_and_trusted_hosts_serve(
    folder: Path, address: str, trusted: tuple[str, ...], allowed: bool
) -> None:
    page(folder, "toy-part1", f'<a href="{address}/{WHEEL}">x</a>')
    assert bool(found(PipOptions(indexes=(folder.as_uri(),), trusted_hosts=trusted))) is allowed


@pytest.fixture
def web_listing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The listing that every web index gives: media type and text."""
    answer = ["text/html", ""]

    def page_of(self: Connection, url: str, *, accept: str, most_bytes: int) -> object:
        from rag.weights.connection import Page

        return Page(url, answer[0], answer[1])

    monkeypatch.setattr(Connection, "page", page_of)
    return answer


def test_a_web_index_cannot_point_at_files_of_this_machine(web_listing: list[str], tmp_path: Path) -> None:
    options = PipOptions(indexes=("https://mirror.example/simple",))
    web_listing[1] = f'<a href="{(tmp_path / WHEEL).as_uri()}">x</a>'
    assert found(options) == []
    web_listing[1] = f'<a href="/{WHEEL}">x</a>'
    assert found(options) == [(WHEEL, None)]


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": [{"name": "x"}]}'])
def test_a_listing_that_cannot_be_read_is_an_error_and_not_an_empty_list(web_listing: list[str], text: str) -> None:
    web_listing[:] = ["application/vnd.pypi.simple.v1+json", text]
    with pytest.raises(TransferError, match="cannot be read"):
        found(PipOptions(indexes=("https://mirror.example/simple",)))
