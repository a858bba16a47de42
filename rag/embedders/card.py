"""What an exported embedder says of itself: `embedder.json` beside the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import EmbedderUnavailable
from rag.types import Language

CARD_NAME = "embedder.json"
MODEL_NAME = "model.onnx"
TOKENIZER_NAME = "tokenizer.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class EmbedderCard:
    """Identity and shape of one export. `figures` holds what its acceptance measured against the original."""

    name: str
    dimension: int
    window: int
    languages: frozenset[Language]
    query_prefix: str = ""
    document_prefix: str = ""
    recipe: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write `embedder.json` into `folder`."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields |= {"format": _FORMAT, "languages": sorted(self.languages), "figures": dict(self.figures)}
        (folder / CARD_NAME).write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read_card(folder: Path) -> EmbedderCard:
    """The card in `folder`.

    Raises:
        EmbedderError: there is none, or it cannot be read.
    """
    try:
        fields = json.loads((folder / CARD_NAME).read_text(encoding="utf-8"))
        if fields.pop("format") != _FORMAT:
            raise ValueError("unknown format")
        return EmbedderCard(**{**fields, "languages": frozenset(fields["languages"])})
    except FileNotFoundError as error:
        raise EmbedderUnavailable("The embedder is not set up.", hint="Run `make setup`.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EmbedderUnavailable(
            "The embedder's files are damaged.", hint="Run `make setup` to build them again."
        ) from error
