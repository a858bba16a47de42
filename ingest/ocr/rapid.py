"""RapidOCR: PP-OCRv6 on onnxruntime, with the models that lie in its own wheel. It fetches and writes nothing.

Sessions hold threads, so they are made with the first picture (after the fork); importing this file before it is fine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from rapidocr.inference_engine.base import InferSession  # noqa: F401 - reads its table of models: before the fork
from rapidocr.main import RapidOCR
from rapidocr.utils.output import RapidOCROutput

from ingest.ocr import Recognised, RecognisedWord, RecognitionFailed

_MODELS = {"Det": "PP-OCRv6_det_small.onnx", "Rec": "PP-OCRv6_rec_small.onnx"}
_THREADS = 2
"""Each reserves address space, which is limited."""
_LONGEST_SIDE = 1800
"""Pixels: A4 at 154 dpi. At 2000 the detector takes 900 MB, and a page is read no better."""
_LINES_AT_ONCE = 2
"""Each line's output is 18,710 scores a column: 16 MB for a line across A4."""


class Rapid:
    """The engine; see `ingest.ocr.Recogniser`."""

    name = "RapidOCR"

    def __init__(self) -> None:
        self._engine: RapidOCR | None = None

    def recognise(self, picture: Image.Image, *, dpi: int) -> Recognised:
        """See `ingest.ocr.Recogniser`; the resolution does not matter to it.

        Raises:
            RecognitionFailed: a model is missing or broke.
        """
        pixels = np.ascontiguousarray(np.asarray(picture.convert("RGB"))[:, :, ::-1])
        try:
            self._engine = self._engine or _opened()
            found = self._engine(pixels)
        except MemoryError:
            raise
        except Exception as error:
            raise RecognitionFailed("RapidOCR failed") from error
        if not isinstance(found, RapidOCROutput) or found.txts is None or found.scores is None or found.boxes is None:
            return Recognised((), self.name)
        placed: Sequence[Any] = found.word_results
        if len(placed) != len(found.txts):
            placed = [()] * len(found.txts)
        lines = (
            _words(text, float(score), corners, pieces)
            for text, score, corners, pieces in zip(found.txts, found.scores, found.boxes, placed, strict=True)
        )
        return Recognised(tuple(line for line in lines if line), self.name)


def _opened() -> RapidOCR:
    cv2.setNumThreads(1)
    spec = find_spec("rapidocr")
    models = Path(spec.origin or "").parent / "models" if spec else Path()
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.return_word_box": True,
            "Global.max_side_len": _LONGEST_SIDE,
            "Rec.rec_batch_num": _LINES_AT_ONCE,
            "Global.text_score": 0.0,  # what is too doubtful is decided for both engines alike
            "EngineConfig.onnxruntime.intra_op_num_threads": min(_THREADS, os.cpu_count() or 1),
            **{f"{step}.model_path": str(models / name) for step, name in _MODELS.items()},  # else it would download
        }
    )


def _words(text: str, score: float, corners: Any, pieces: Sequence[Any]) -> tuple[RecognisedWord, ...]:
    """The words of one line. RapidOCR pairs words with confidences of letters, so each gets that of its line."""
    tokens = text.split()
    top, bottom = float(min(corners[:, 1])), float(max(corners[:, 1]))
    sides = _sides(tokens, pieces) or _shares(text, float(min(corners[:, 0])), float(max(corners[:, 0])))
    return tuple(
        RecognisedWord(token, (left, top, right, bottom), score)
        for token, (left, right) in zip(tokens, sides, strict=True)
    )


def _sides(tokens: Sequence[str], pieces: Sequence[Any]) -> list[tuple[float, float]]:
    """Left and right of each word from the pieces that spell it; none where they spell something else."""
    found = []
    remaining = iter(pieces)
    for token in tokens:
        spelled, places = "", []
        while len(spelled) < len(token):
            piece = next(remaining, None)
            if piece is None:
                return []
            spelled += piece[0]
            places += [float(corner[0]) for corner in piece[2]]
        if spelled != token:
            return []
        found.append((min(places), max(places)))
    return found


def _shares(text: str, left: float, right: float) -> list[tuple[float, float]]:
    """The line's width shared out by characters."""
    each = (right - left) / max(len(text), 1)
    found, position = [], 0
    for token in text.split():
        position = text.index(token, position)
        found.append((left + position * each, left + (position + len(token)) * each))
        position += len(token)
    return found
