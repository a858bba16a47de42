"""LaTeX: a readable rendering with the lines of the file, its blocks, and the preamble as code."""

from __future__ import annotations

import re

from ingest.loaders.latex_text import LatexText, render
from ingest.loaders.source import Source, SourceLoader, blanked
from rag.types import Block, Span

_BODY = re.compile(r"\\begin\s*\{document\}")
_END = re.compile(r"\\end\s*\{document\}")
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_FIELD = re.compile(r"\\(title|author|date)\s*(?:\[[^\]]*\]\s*)?\{")
_NO_NAME = re.compile(r"\\\\|\\thanks\{[^{}]*\}|\s+(?=\\and\b)")
_GERMAN = re.compile(r"\\usepackage\s*\{n?german\}|\bn?german\b[^}]*\]\s*\{babel\}|\\documentclass\[[^\]]*\bn?german\b")
_ENGLISH = re.compile(r"\b(?:english|american|british|UKenglish|USenglish)\b[^}]*\]\s*\{babel\}")
_LONGEST_FIELD = 1000
_NAMED = 5
"""So many missing files are named."""


class LatexLoader(SourceLoader):
    """Reads LaTeX; what `\\input` names is another file and not read."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        begin = _BODY.search(text)
        body = begin.start() if begin else 0
        finish = _END.search(text, body)
        end = finish.end() if finish else len(text)
        preamble, hidden = blanked(text[:body], (Span(*match.span()) for match in _COMMENT.finditer(text, 0, body)))
        german = bool(_GERMAN.search(preamble))
        rendered = render(text[body:end], german=german)
        fields = _fields(text, german=german)
        blocks = [Block("code", Span(0, body))] if body else []
        blocks += [Block(b.kind, Span(b.span.start + body, b.span.end + body), b.level) for b in rendered.blocks]
        return Source(
            preamble + rendered.text,
            blocks,
            title=fields.get("title", ""),
            author=fields.get("author", ""),
            date=fields.get("date", ""),
            language="de" if german else "en" if _ENGLISH.search(preamble) else "",
            hidden=[*hidden, *rendered.hidden, text[end:]],
            warnings=_missing(rendered),
        )


def _fields(text: str, *, german: bool) -> dict[str, str]:
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(text):
        depth = 1
        for end in range(match.end(), min(len(text), match.end() + _LONGEST_FIELD)):
            depth += (text[end] == "{") - (text[end] == "}")
            if depth == 0:
                value = _NO_NAME.sub(" ", text[match.end() : end])
                fields.setdefault(match.group(1), render(value, german=german).text)
                break
    return fields


def _missing(rendered: LatexText) -> tuple[str, ...]:
    if not rendered.inputs:
        return ()
    names = ", ".join(rendered.inputs[:_NAMED]) + (" …" if len(rendered.inputs) > _NAMED else "")
    return (f"Parts of it stand in other files, which have to be added themselves: {names}",)
