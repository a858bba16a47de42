from __future__ import annotations

import pytest

from ingest.loaders.titles import clean, sensible_title


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Debian-Referenz", "Debian-Referenz"),
        ("  Geometrie \n und  Topologie ", "Geometrie und Topologie"),
        ("Microsoft Word - Annual report", "Annual report"),
        ("Microsoft Word - report_final.docx", ""),
        ("0001018724-22-000023", ""),
        ("Untitled-1", ""),
        ("Dokument2", ""),
        (r"C:\Users\jo\x", ""),
        ("paper.dvi", ""),
        ("", ""),
        ("Go", ""),
    ],
)
def test_titles_left_by_programs_are_refused(given: str, expected: str) -> None:
    assert sensible_title(given) == expected


def test_what_cannot_be_stored_or_seen_is_taken_out() -> None:
    assert clean("a\x00b\ud800c\u200e d\te") == "abc d e"
