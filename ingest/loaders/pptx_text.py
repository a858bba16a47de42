"""Text in drawings (DrawingML, ISO/IEC 29500-1, clause 21): paragraphs, lists, links and tables told to a flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.loaders.flow import Flow
from ingest.loaders.links import with_target
from ingest.loaders.looks import TINY, alike
from ingest.loaders.ooxml import Relationship, child, children, number, value
from ingest.loaders.pptx_backdrop import solid

_BULLETS = ("buChar", "buAutoNum", "buBlip")
_ON = ("1", "true")


def tell_text(
    flow: Flow, body: Any, *, relations: Mapping[str, Relationship], listed: bool = False, behind: str | None = None
) -> None:
    """Paragraphs of a text body.

    Args:
        listed: its paragraphs are bulleted where they do not say otherwise, as in a slide's body placeholder.
        behind: colour behind the text, six digits, where it is certain.
    """
    paragraphs = list(children(body, "p"))
    listed = listed and len(paragraphs) > 1
    for paragraph in paragraphs:
        text = "".join(_runs(flow, paragraph, relations, behind))
        properties = child(paragraph, "pPr")
        depth, bulleted = 0, listed
        if properties is not None:
            depth = number(value(properties.attrib, "lvl"), 0) or 0
            bulleted = next(children(properties, *_BULLETS), None) is not None or (
                listed and child(properties, "buNone") is None
            )
        if bulleted:
            flow.item(text, depth)
        else:
            flow.paragraph(text)


def tell_table(flow: Flow, table: Any, *, relations: Mapping[str, Relationship]) -> None:
    """A table of DrawingML."""
    properties = child(table, "tblPr")
    flow.begin_table()
    for row in children(table, "tr"):
        flow.begin_row()
        for cell in children(row, "tc"):
            flow.begin_cell()
            body = child(cell, "txBody")
            if body is not None:
                tell_text(flow, body, relations=relations)
            flow.end_cell(continues=value(cell.attrib, "vMerge") in _ON)
    flow.end_table(headed=properties is not None and value(properties.attrib, "firstRow") in _ON)


def plain(element: Any) -> str:
    """All text of the text runs under an element, its paragraphs in lines."""
    lines = []
    for entry in element.iter():
        local = str(entry.tag).rpartition("}")[2]
        if local == "p" and str(entry.tag) != local:
            lines.append("")
        elif local == "t" and entry.text:
            lines[-1:] = [(lines[-1] if lines else "") + entry.text]
    return "\n".join(line for line in lines if line.strip())


def _runs(flow: Flow, paragraph: Any, relations: Mapping[str, Relationship], behind: str | None) -> Iterator[str]:
    for run in paragraph:
        local = str(run.tag).rpartition("}")[2]
        if local == "br":
            yield "\n"
        if local not in ("r", "fld"):
            continue
        holder = child(run, "t")
        text = "" if holder is None else holder.text or ""
        properties = child(run, "rPr")
        if properties is None:
            yield text
        elif _is_hidden(properties, behind):
            flow.hide(text)
        else:
            link = child(properties, "hlinkClick")
            relation = None if link is None else relations.get(value(link.attrib, "id") or "")
            yield with_target(text, relation.target) if relation and relation.external else text


def _is_hidden(properties: Any, behind: str | None) -> bool:
    hundredths = number(value(properties.attrib, "sz"))
    if hundredths is not None and hundredths / 100 <= TINY:
        return True
    colour = solid(properties)
    return colour is not None and behind is not None and alike(colour, behind)
