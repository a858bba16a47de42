"""Mails and mailboxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.loaders import assemble, loader_for
from ingest.loaders.mail_headers import Address, decoded, listed
from ingest.media import EML, MBOX, detect
from ingest.protocols import Embedded, LoadEvent, PageLoaded
from rag.errors import DamagedSource, EmptySource, NoText, PasswordNeeded
from rag.types import Document
from tests.support.containers import mail
from tests.support.documents import pdf

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
HEAD = b"From: Anna Example <anna@example.com>\nSubject: Valves\nDate: Sun, 1 Mar 2026 10:15:00 +0100\n"


def events(tmp_path: Path, data: bytes, media_type: str = EML, *, title: str | None = None) -> list[LoadEvent]:
    path = tmp_path / "file"
    path.write_bytes(data)
    return list(loader_for(media_type).load(path, title=title))


def load(tmp_path: Path, data: bytes, media_type: str = EML) -> Document:
    return assemble(events(tmp_path, data, media_type))


def files(tmp_path: Path, data: bytes, media_type: str = EML) -> dict[str, bytes]:
    return {event.path: event.data for event in events(tmp_path, data, media_type) if isinstance(event, Embedded)}


def blocks(document: Document) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, document.text[block.span.start : block.span.end]) for block in document.blocks]


# --- one mail -------------------------------------------------------------------------------------


def test_a_mail_is_its_subject_the_lines_a_person_cares_about_and_its_body(tmp_path: Path) -> None:
    document = load(tmp_path, mail("Hello,\n\nthe valve opens at 12 bar.\n\n> At how many bar?\n> Bert"))
    assert blocks(document) == [
        ("heading", 1, "Valves"),
        (
            "paragraph",
            0,
            "From: Anna Example <anna@example.com>\nTo: Bert Example <bert@example.com>\nDate: 2026-03-01 10:15 +0100",
        ),
        ("paragraph", 0, "Hello,"),
        ("paragraph", 0, "the valve opens at 12 bar."),
        ("paragraph", 0, "> At how many bar?\n> Bert"),
    ]
    assert (document.title, document.author, document.date) == ("Valves", "Anna Example", "2026-03-01")
    [place] = document.places
    assert (place.kind, place.name, place.number) == ("message", "Valves, from Anna Example, 2026-03-01", 1)
    assert document.text[place.span.start : place.span.end] == document.text.rstrip()


def test_the_callers_title_goes_before_the_subject(tmp_path: Path) -> None:
    assert assemble(events(tmp_path, mail(), title="Mine")).title == "Mine"


def test_an_html_body_is_read_where_there_is_no_other(tmp_path: Path) -> None:
    markup = b'<h1>News</h1><table><tr><td>a</td><td>1</td></tr></table><div style="display:none">obey</div>'
    document = load(tmp_path, HEAD + b"Content-Type: text/html; charset=utf-8\n\n" + markup)
    assert blocks(document)[2:] == [("heading", 2, "News"), ("table", 0, "a | 1")]
    assert (document.report.hidden_characters, document.report.hidden_sample) == (4, "obey")


@pytest.mark.parametrize(
    ("plain", "chosen"),
    [
        ("The plain words, which say the same in fewer letters.", "plain words"),
        ("Your program cannot show HTML.", "rich words"),
        ("", "rich words"),
    ],
)
def test_of_two_forms_the_plain_one_is_read_unless_it_only_stands_for_the_other(
    tmp_path: Path, plain: str, chosen: str
) -> None:
    rich = "<p>" + "The rich words. " * 8 + "</p>"
    document = load(tmp_path, mail(plain, html=rich))
    assert chosen in document.text
    assert ("rich words" in document.text) == (chosen == "rich words")


def test_a_text_in_several_parts_is_read_in_order(tmp_path: Path) -> None:
    parts = b"".join(
        b"--b\nContent-Type: text/%s\n\n%s\n" % part
        for part in [(b"plain", b"First."), (b"html", b"<p>Second.</p>"), (b"plain", b"Third.")]
    )
    document = load(tmp_path, HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + parts + b"--b--\n")
    assert document.text.endswith("First.\n\nSecond.\n\nThird.\n\n")


def test_a_pdf_inside_the_html_form_is_not_lost(tmp_path: Path) -> None:
    data = (
        HEAD
        + b"Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\n"
        + b"The plain text of this mail, long enough to be read.\n--a\nContent-Type: multipart/mixed; boundary=m\n\n"
        + b"--m\nContent-Type: text/html\n\n<p>Short</p>\n--m\nContent-Type: application/pdf; name=a.pdf\n\n%PDF-1.7\n"
        + b"--m--\n--a--\n"
    )
    assert list(files(tmp_path, data)) == ["a.pdf"]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("=?utf-8?Q?Pr=C3=BCfung?= =?utf-8?Q?_der_Ventile?=", "Prüfung der Ventile"),
        ("=?iso-8859-1?B?UHL8ZnVuZw==?=", "Prüfung"),
        ("=?x-unheard-of?Q?Pr=C3=BCfung?=", "Prüfung"),
        ("=?utf-8?B?A?=", "=?utf-8?B?A?="),
        ("one\r\n two\x00\x1b[31m\u202e", "one two[31m"),
        ("", ""),
    ],
)
def test_header_fields_are_decoded_and_broken_ones_shown_as_they_stand(raw: str, shown: str) -> None:
    assert decoded(raw) == shown


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_header_fields_beyond_ascii_are_read_though_they_break_the_rules(tmp_path: Path, encoding: str) -> None:
    raw = "From: Jörg Müller <joerg@example.com>\nSubject: Prüfung der Überdruckventile für Öl\n\nText.\n"
    document = load(tmp_path, raw.encode(encoding))
    assert (document.title, document.author) == ("Prüfung der Überdruckventile für Öl", "Jörg Müller")


@pytest.mark.parametrize(
    "field",
    [b"From: <<<>>>", b"From: a@[", b"To: =?utf-8?Q?=", b"Date: 99 Foo 20261 25:61", b"Date: ", b"From: " + b"(" * 5000,
     b"Content-Type: text/plain; charset=\"=?\"", b"Content-Type: ;;;", b"Content-Transfer-Encoding: base64\n x",
     b"Content-Type: multipart/mixed", b"Content-Disposition: inline; filename*=bad'x'%ff%"],
)  # fmt: skip
def test_broken_header_fields_never_lose_the_mail(tmp_path: Path, field: bytes) -> None:
    document = load(tmp_path, b"Subject: Valves\n" + field + b"\n\nThe valve opens.\n")
    assert document.title == "Valves"
    if b"base64" not in field and b"filename" not in field:
        assert "The valve opens." in document.text


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        ("windows-1252", "“Größe” – 5 €".encode("cp1252")),
        ("iso-8859-1", "“Größe” – 5 €".encode("cp1252")),
        ("us-ascii", "“Größe” – 5 €".encode()),
        ("x-unknown", "“Größe” – 5 €".encode()),
    ],
)
def test_a_body_is_read_whatever_its_charset_says(tmp_path: Path, charset: str, raw: bytes) -> None:
    data = HEAD + f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n".encode() + raw
    assert "“Größe” – 5 €" in load(tmp_path, data).text


def test_attachments_are_handed_on_with_their_names(tmp_path: Path) -> None:
    report = pdf([["A report."]])
    data = mail(attachments={"Übersicht über alles.pdf": report, "notes.txt": b"A note."})
    assert files(tmp_path, data) == {"Übersicht über alles.pdf": report, "notes.txt": b"A note."}


def test_a_thousand_attachments_of_one_name_are_told_apart(tmp_path: Path) -> None:
    part = b"--b\nContent-Disposition: attachment; filename=a.txt\n\n%d\n"
    body = b"".join(part % number for number in range(1000)) + b"--b--\n"
    found = files(tmp_path, HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + body)
    assert len(found) == 1000
    assert found["a (1000).txt"] == b"999"


def test_equal_and_hostile_names_become_labels_of_their_own(tmp_path: Path) -> None:
    part = b'--b\nContent-Disposition: attachment; filename="%s"\n\nA note.\n'
    names = [b"a.txt", b"a.txt", b"../../etc/passwd", b"C:\\\\x\\\\y.txt", b"=?utf-8?Q?=C3=BC.txt?=", b"/"]
    body = b"".join(part % name for name in names) + b"--b--\n"
    found = files(tmp_path, HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + body)
    assert list(found) == ["a.txt", "a (2).txt", "etc/passwd", "x/y.txt", "ü.txt", "unnamed"]


def test_a_mail_inside_a_mail_is_handed_on_as_a_mail(tmp_path: Path) -> None:
    inner = mail("The inner text.", subject="Inner", attachments={"notes.txt": b"A note."})
    data = HEAD + b"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n" + inner
    [(name, found)] = files(tmp_path, data + b"\n--o--\n").items()
    assert name == "Inner.eml"
    assert detect(found, name) == EML
    document = load(tmp_path, found)
    assert "The inner text." in document.text
    assert list(files(tmp_path, found)) == ["notes.txt"]


def test_logos_and_signatures_are_passed_over_and_counted(tmp_path: Path) -> None:
    def part(kind: bytes, field: bytes, data: bytes) -> bytes:
        return b"--b\nContent-Type: %s\n%s\n\n%s\n" % (kind, field, data)

    body = (
        part(b"text/html", b"X: y", b'<p>Hello <img src="cid:logo@1"></p>')
        + part(b"image/png", b"Content-ID: <logo@1>", PNG)
        + part(b"application/pkcs7-signature; name=smime.p7s", b"X: y", b"x")
        + part(b"application/octet-stream; name=run.exe", b"X: y", b"MZ\x90\x00")
    )
    document = load(tmp_path, HEAD + b"Content-Type: multipart/related; boundary=b\n\n" + body + b"--b--\n")
    assert document.report.skipped == (
        "run.exe: Programs are not supported",
        "1 × small picture in the text",
        "1 × signature",
    )
    assert document.notes == ("1 file inside cannot be read",)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (b"application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", PasswordNeeded),
        (b"application/x-pkcs7-mime; name=smime.p7m", PasswordNeeded),
        (b"application/pkcs7-mime; smime-type=signed-data", NoText),
    ],
)
def test_a_mail_in_smime_says_why_it_cannot_be_read(tmp_path: Path, kind: bytes, error: type[Exception]) -> None:
    with pytest.raises(error, match="S/MIME"):
        load(tmp_path, HEAD + b"Content-Type: " + kind + b"\n\nMIAGCSqGSIb3DQEHA6CAMIACAQAx\n")


def test_a_mail_in_pgp_says_that_it_is_encrypted(tmp_path: Path) -> None:
    wrapped = (
        b"Content-Type: multipart/encrypted; boundary=b; protocol=application/pgp-encrypted\n\n--b\n"
        b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n--b\n"
        b"Content-Type: application/octet-stream\n\nx\n--b--\n"
    )
    for data in (wrapped, b"\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"):
        with pytest.raises(PasswordNeeded, match="PGP"):
            load(tmp_path, HEAD + data)


def nested(levels: int) -> bytes:
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(levels))
    return HEAD + b"".join(parts) + b"Content-Type: text/plain\n\nThe innermost text.\n"


def test_parts_nested_500_deep_are_read_and_deeper_ones_refused(tmp_path: Path) -> None:
    assert "The innermost text." in load(tmp_path, nested(500)).text
    with pytest.raises(DamagedSource, match="deeply"):
        load(tmp_path, nested(3000))


def test_what_is_no_mail_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedSource):
        load(tmp_path, b"Just some text: that is no mail.\n")
    with pytest.raises(EmptySource):
        load(tmp_path, b"\n \n")


def test_of_a_long_list_of_people_the_first_are_named() -> None:
    people = tuple(Address("", f"{number}@example.com") for number in range(100))
    assert listed(people).endswith("29@example.com and 70 more")


# --- mailboxes ------------------------------------------------------------------------------------


def mailbox(*messages: bytes) -> bytes:
    return b"\n".join(b"From anna@example.com Sun Mar  1 10:15:00 2026\n" + message for message in messages)


def test_a_mailbox_is_its_messages_each_a_place_of_its_own(tmp_path: Path) -> None:
    first, second = mail("The first.", subject="One"), mail("The second.", subject="Two", sender="carl@example.com")
    found = events(tmp_path, mailbox(first, second), MBOX)
    document = assemble(found)
    pieces = [event for event in found if isinstance(event, PageLoaded)]
    assert [piece.total for piece in pieces] == [2, 2]
    assert [(place.name, place.number) for place in document.places] == [
        ("One, from Anna Example, 2026-03-01", 1),
        ("Two, from carl@example.com, 2026-03-01", 2),
    ]
    assert [text for kind, level, text in blocks(document) if (kind, level) == ("heading", 1)] == ["One", "Two"]
    second_place = document.places[1].span
    assert document.text[second_place.start : second_place.end].startswith("Two\nFrom: carl@example.com")
    assert document.notes == ("2 messages, 2026-03-01 to 2026-03-01",)


def test_lines_that_only_begin_like_a_separator_stay_in_their_message(tmp_path: Path) -> None:
    body = "The text.\n\nFrom page 3 on all is new.\n>From here it is old.\n>>From there older."
    document = load(tmp_path, mailbox(HEAD + b"\n" + body.encode() + b"\n"), MBOX)
    assert len(document.places) == 1
    assert "From page 3 on all is new.\nFrom here it is old.\n>From there older." in document.text


def test_separators_of_other_programs_are_known(tmp_path: Path) -> None:
    data = (
        b"From - Sun Mar  1 10:15:00 2026\r\nSubject: One\r\n\r\nText.\r\n\r\n"
        b"From MAILER-DAEMON\r\nSubject: Two\r\n\r\nMore.\r\n"
    )
    assert [place.name for place in load(tmp_path, data, MBOX).places] == ["One", "Two"]


def test_attachments_in_a_mailbox_lie_in_their_message(tmp_path: Path) -> None:
    data = mailbox(mail(subject="One"), mail(subject="Two/Three", attachments={"notes.txt": b"A note."}))
    assert files(tmp_path, data, MBOX) == {"2 Two Three/notes.txt": b"A note."}


def test_messages_that_cannot_be_read_are_counted_and_cost_no_other(tmp_path: Path) -> None:
    sealed = HEAD + b"Content-Type: application/pkcs7-mime\n\nMIAGCSqGSIb3\n"
    document = load(tmp_path, mailbox(mail("Readable.", subject="One"), sealed, nested(3000)), MBOX)
    assert len(document.places) == 3
    assert "Readable." in document.text
    assert document.notes[1].startswith("2 of them cannot be read")


def test_a_mailbox_of_many_messages_comes_in_fewer_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.loaders.mbox._MOST_PIECES", 3)
    found = events(tmp_path, mailbox(*(mail(f"Text {number}.", subject=f"S{number}") for number in range(8))), MBOX)
    pieces = [event for event in found if isinstance(event, PageLoaded)]
    assert [piece.total for piece in pieces] == [3, 3, 3]
    document = assemble(found)
    assert [place.number for place in document.places] == list(range(1, 9))
    assert all(document.text[place.span.start :].startswith(f"S{place.number - 1}\n") for place in document.places)


def test_what_is_no_mailbox_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedSource):
        load(tmp_path, b"Some text.\n", MBOX)
    with pytest.raises(EmptySource):
        load(tmp_path, b"\n", MBOX)
