from __future__ import annotations

from pathlib import Path

import pytest

from ingest import media
from ingest.loaders import assemble, loader_for
from ingest.outline import units
from rag.errors import DamagedSource, EmptySource
from rag.places import Clipper, locate
from rag.types import Document, Locator, Passage, Span


def load(tmp_path: Path, media_type: str, text: str) -> Document:
    path = tmp_path / "file"
    path.write_bytes(text.encode())
    return assemble(loader_for(media_type).load(path, title=None))


def path_of(document: Document, words: str) -> tuple[str, ...]:
    """The headings above the first place where the words stand."""
    at = document.text.index(words)
    return next(unit.path for unit in units(document) if unit.span.start <= at < unit.span.end)


def block_with(document: Document, words: str) -> tuple[str, int]:
    at = document.text.index(words)
    return next((b.kind, b.level) for b in document.blocks if b.span.start <= at < b.span.end)


def located(document: Document, quote: str) -> Locator | None:
    start = document.text.index(quote)
    span = Span(start, start + len(quote))
    around = Span(max(0, start - 7), len(document.text))
    text = document.text[around.start : around.end]
    places = Clipper(document.places, document.text).clip(around)
    return locate(Passage("c", "d", "v", "T", 0, around, text, "en", places=places), span)


RST = """=====
Title
=====

:Author: Jo Doe
:Date: 2024-02-03

.. a comment that goes on

   and on

Section
-------

Some code::

    literal = 1

.. note::

   .. code-block:: python

      nested = 2

Below
~~~~~

.. [1] A footnote.

+---+---+
| a | b |
+===+===+
| 1 | 2 |
+---+---+

== ==
A  B
== ==
3  4
== ==

Next
----

- item
"""
ASCIIDOC = """= Title
Jo Doe <jo@example.org>
v1.0, 2024-02-03

// a comment that goes on

== Section

[source]
----
literal = 1
== no heading
----

////
and on
////

=== Below ===

.Caption
|===
|a |b

|1 |2
|===

Old style
---------

* item
"""
ORG = """#+TITLE: Title
#+AUTHOR: Jo Doe
#+DATE: <2024-02-03 Sat>
# a comment that goes on
* Section
#+BEGIN_SRC sh
literal = 1
* no heading
#+END_SRC
#+begin_comment
and on
#+end_comment
** Below
| a | b |
|---+---|
| 1 | 2 |
* Next
- item
"""
LATEX = r"""\documentclass{article}
\usepackage[ngerman]{babel}
\title{Title\thanks{to all}}
\author{Jo Doe}
\date{2024-02-03}
\begin{document}
\section{Section}% a comment that goes on
\begin{lstlisting}
literal = 1 % no comment
\end{lstlisting}
\iffalse and on \fi
\subsection[short]{Below\label{b}}
\begin{tabular}{ll}
\toprule
a & b \\ \midrule
1 & 2 \\
\bottomrule
\end{tabular}
\section*{Next}
\begin{itemize}
\item item
\end{itemize}
\end{document}
"""
MARKUP = {media.RST: RST, media.ASCIIDOC: ASCIIDOC, media.ORG: ORG, media.LATEX: LATEX}


@pytest.fixture(params=sorted(MARKUP))
def media_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_title_author_and_date_are_read(tmp_path: Path, media_type: str) -> None:
    document = load(tmp_path, media_type, MARKUP[media_type])
    assert (document.title, document.author, document.date) == ("Title", "Jo Doe", "2024-02-03")


def test_headings_make_the_path_without_their_marks(tmp_path: Path, media_type: str) -> None:
    document = load(tmp_path, media_type, MARKUP[media_type])
    assert path_of(document, "literal = 1")[-1] == "Section"
    assert path_of(document, "1 | 2" if media_type != media.ASCIIDOC else "|1 |2")[-2:] == ("Section", "Below")
    assert path_of(document, "item")[-1] in ("Next", "Old style")
    assert "Below" not in path_of(document, "item")


def test_code_lists_and_tables_with_their_headers_are_blocks(tmp_path: Path, media_type: str) -> None:
    document = load(tmp_path, media_type, MARKUP[media_type])
    assert block_with(document, "literal = 1") == ("code", 0)
    assert block_with(document, "item") == ("list", 0)
    kind, header = block_with(document, "1 | 2" if media_type != media.ASCIIDOC else "|1 |2")
    assert kind == "table"
    table = next(b for b in document.blocks if b.kind == "table")
    lines = [line for line in document.text[table.span.start : table.span.end].split("\n") if line.strip()]
    assert "b" in "".join(lines[:header])
    assert "1" not in "".join(lines[:header])


def test_comments_are_left_out_and_reported(tmp_path: Path, media_type: str) -> None:
    document = load(tmp_path, media_type, MARKUP[media_type])
    assert "goes on" not in document.text
    assert "and on" not in document.text
    assert "comment that goes on" in document.report.hidden_sample
    assert document.report.hidden_characters > len("a comment that goes on")


def test_lines_are_those_of_the_file(tmp_path: Path, media_type: str) -> None:
    source = MARKUP[media_type].replace("\n", "\r\n")
    document = load(tmp_path, media_type, source)
    line = next(n for n, text in enumerate(source.split("\r\n"), start=1) if "literal = 1" in text)
    assert located(document, "literal = 1") == Locator("lines", "", line, line)


def test_nothing_but_comments_is_empty(tmp_path: Path, media_type: str) -> None:
    comment = {media.RST: ".. gone", media.ASCIIDOC: "// gone", media.ORG: "# gone", media.LATEX: "% gone"}[media_type]
    with pytest.raises(EmptySource):
        load(tmp_path, media_type, comment)
    assert load(tmp_path, media_type, f"{comment}\n\nkept").text.strip() == "kept"


def test_the_text_is_the_source_but_for_its_comments(tmp_path: Path) -> None:
    for media_type in (media.RST, media.ASCIIDOC, media.ORG):
        document = load(tmp_path, media_type, MARKUP[media_type])
        assert len(document.text) == len(MARKUP[media_type])
        assert all(a == b or b == " " for a, b in zip(MARKUP[media_type], document.text, strict=True))


def test_latex_reads_as_its_reader_sees_it(tmp_path: Path) -> None:
    source = (
        "Der M\\\"uller, K\\'evin und Stra\\ss{}e: \\emph{wichtig}~--- 5\\,\\% \\& \\cite[S.\\ 3]{key}.\n"
        "\\textcolor{white}{Obey me} $a_1 \\le 2$ \\href{https://example.org}{Link}\\footnote{Am Rand.} \\odd{x}{y}"
    )
    document = load(tmp_path, media.LATEX, source)
    assert document.text == (
        "Der Müller, Kévin und Straße: wichtig — 5 % & [key; S.\\ 3].\n"
        " $a_1 \\le 2$ Link (https://example.org) (Am Rand.) \\odd{x}{y}"
    )
    assert document.report.hidden_sample == "Obey me"


@pytest.mark.parametrize(("preamble", "text"), [("\\usepackage[ngerman]{babel}", "Übung"), ("", 'die "Ubung')])
def test_german_shorthands_hold_only_where_babel_is_german(tmp_path: Path, preamble: str, text: str) -> None:
    document = load(tmp_path, media.LATEX, f'{preamble}\n\\begin{{document}}\ndie "Ubung\n\\end{{document}}')
    assert text in document.text


def test_latex_names_the_files_it_does_not_read(tmp_path: Path) -> None:
    document = load(tmp_path, media.LATEX, "Text\n\\input{chapter2}\n")
    assert "chapter2" in document.report.warnings[0]


@pytest.mark.parametrize(
    "source", ["}}}{{{", "\\begin{tabular}a & b", "\\iffalse", "\\section{", "$", "\\", '"', "\\end{a}x"]
)
def test_broken_latex_is_read_as_far_as_it_goes(tmp_path: Path, source: str) -> None:
    document = load(tmp_path, media.LATEX, f"before\n{source}")
    assert document.text.startswith("before\n")


def test_rst_levels_follow_the_styles_as_they_appear(tmp_path: Path) -> None:
    document = load(tmp_path, media.RST, "One\n~~~~\n\na\n\nTwo\n^^^^\n\nb\n\nThree\n~~~~~\n\nc\n")
    assert [b.level for b in document.blocks if b.kind == "heading"] == [1, 2, 1]
    assert path_of(document, "b\n") == ("One", "Two")


def test_directives_are_no_comments(tmp_path: Path) -> None:
    document = load(tmp_path, media.RST, RST)
    assert "A footnote." in document.text
    assert block_with(document, "nested = 2") == ("code", 0)


def test_comments_of_markdown_are_blanked_but_not_those_in_code(tmp_path: Path) -> None:
    source = "# T\n\n<!-- secret\nrule -->\n\nWord <!-- in --> goes.\n\n`<!-- shown -->`\n\n```\n<!-- kept -->\n```\n"
    document = load(tmp_path, media.MARKDOWN, source)
    assert len(document.text) == len(source)
    assert "secret" not in document.text
    assert "in -->" not in document.text
    assert "<!-- shown -->" in document.text
    assert "<!-- kept -->" in document.text
    assert document.report.hidden_sample.startswith("<!-- secret rule -->")
    assert located(document, "goes.") == Locator("lines", "", 6, 6)


def test_plain_text_is_found_by_its_lines(tmp_path: Path) -> None:
    assert located(load(tmp_path, media.TEXT, "one\rtwo\r\n\nfour and more\nfive"), "four and more\nfive") == Locator(
        "lines", "", 4, 5
    )


def test_bytes_that_only_look_like_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(1, 32)) * 20)
    with pytest.raises(DamagedSource):
        assemble(loader_for(media.CODE).load(tmp_path / "file", title=None))


def test_no_command_swallows_a_line_of_latex(tmp_path: Path) -> None:
    commands = [
        r"\textcolor",
        r"\href",
        r"\multicolumn",
        r"\section",
        r"\emph",
        r"\"",
        r"\v",
        r"\cite",
        r"\label",
        r"\odd",
    ]
    source = "".join(f"{command}\n{{red}}\n{{b}}\n[c]\n" for command in commands) + "\\begin\n{center}\nlast"
    document = load(tmp_path, media.LATEX, source)
    assert document.text.count("\n") == source.count("\n")
    assert located(document, "last") == Locator("lines", "", 4 * len(commands) + 3, 4 * len(commands) + 3)
