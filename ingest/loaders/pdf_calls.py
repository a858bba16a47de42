"""The PDFium functions that are called for every object or word of a page, by plain addresses.

The same functions as in pypdfium2.raw; its typed pointers make each call cost two to four times as much, and these are
most of the calls there are. Handles are integers here (`address`), buffers are given by their addresses.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_int, c_void_p
from typing import Any

import pypdfium2.raw as raw


def address(handle: Any) -> int:
    """A handle of pypdfium2 as an integer; 0 for none."""
    return ctypes.cast(handle, c_void_p).value or 0


def _plain(function: Any, result: Any, *arguments: Any) -> Callable[..., int]:
    return ctypes.CFUNCTYPE(result, *arguments)(address(function))


count_objects = _plain(raw.FPDFPage_CountObjects, c_int, c_void_p)
get_object = _plain(raw.FPDFPage_GetObject, c_void_p, c_void_p, c_int)
count_form_objects = _plain(raw.FPDFFormObj_CountObjects, c_int, c_void_p)
get_form_object = _plain(raw.FPDFFormObj_GetObject, c_void_p, c_void_p, ctypes.c_ulong)
object_type = _plain(raw.FPDFPageObj_GetType, c_int, c_void_p)
render_mode = _plain(raw.FPDFTextObj_GetTextRenderMode, c_int, c_void_p)
count_marks = _plain(raw.FPDFPageObj_CountMarks, c_int, c_void_p)
fill_colour = _plain(raw.FPDFPageObj_GetFillColor, c_int, *[c_void_p] * 5)
"""Object, then four unsigned integers: red, green, blue, opacity."""
bounds = _plain(raw.FPDFPageObj_GetBounds, c_int, *[c_void_p] * 5)
"""Object, then four floats: left, bottom, right, top."""
draw_mode = _plain(raw.FPDFPath_GetDrawMode, c_int, c_void_p, c_void_p, c_void_p)
"""Path, then two integers: how it is filled, whether it is stroked."""
set_active = _plain(raw.FPDFPageObj_SetIsActive, c_int, c_void_p, c_int)
text_object = _plain(raw.FPDFText_GetTextObject, c_void_p, c_void_p, c_int)
loose_box = _plain(raw.FPDFText_GetLooseCharBox, c_int, c_void_p, c_int, c_void_p)
"""Text page, index, then four floats: left, top, right, bottom."""
