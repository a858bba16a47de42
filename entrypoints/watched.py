"""The command that watches folders."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path

from entrypoints import shown
from entrypoints.output import Output
from rag.errors import InvalidInput
from workspaces.bootstrap import Services
from workspaces.models import Folder

_SETTLING_SECONDS = 1.0
_LOOKS = 5
"""A file that is still being written after so many looks is left to the running server."""


def run(services: Services, workspace_id: str, options: Namespace, out: Output) -> int:
    """Do what the options say; the exit code."""
    if options.list:
        return _list(services, workspace_id, out)
    if options.remove:
        folder = _named(services, workspace_id, options.remove, options)
        services.folders.remove(folder.id, delete_documents=options.delete_documents)
        out.note("Not watched any more: " + ("its documents are deleted." if options.delete_documents else folder.path))
        return 0
    if options.look:
        chosen = services.folders.list(workspace_id)
        if options.folder:
            chosen = [_named(services, workspace_id, options.folder, options)]
        return max([_look(services, folder, out) for folder in chosen], default=0)
    if not options.folder:
        raise InvalidInput("Which folder?", hint="footnote watch -w WORKSPACE FOLDER")
    path = str(_place(options.folder, options))
    return _look(services, services.folders.add(workspace_id, path, options.ignore), out)


def _list(services: Services, workspace_id: str, out: Output) -> int:
    found = services.folders.list(workspace_id)
    for folder in found:
        out.line(f"{folder.path}  ({folder.files} files)" + (f": {folder.problem}" if folder.problem else ""))
    if not found:
        out.note("No folder is watched. Watch one: footnote watch -w WORKSPACE FOLDER")
    return 0


def _look(services: Services, folder: Folder, out: Output) -> int:
    """Look until nothing is being written, and wait until all is read; exit 0 if all became ready."""
    ids: dict[str, None] = {}
    for turn in range(_LOOKS):
        look = services.folders.look(folder.id, full=turn == 0)
        ids.update(dict.fromkeys(look.document_ids))
        out.line(
            f"{folder.path}: {look.added} new, {look.changed} changed, {look.moved} moved, {look.gone} gone"
            + (f", {look.waiting} being written" if look.waiting else "")
        )
        if look.problem or not look.waiting:
            break
        time.sleep(_SETTLING_SECONDS)
    if look.problem:
        out.note(look.problem)
    records = {record.id: record for record in services.library.wait(list(ids))}
    for record in records.values():
        out.line(shown.document_line(record.source, record))
    bad = [record for record in records.values() if record.state != "ready" or record.pending is not None]
    return 1 if bad or look.problem or look.waiting else 0


def _named(services: Services, workspace_id: str, wanted: str, options: Namespace) -> Folder:
    places = {wanted, str(_place(wanted, options)), str(_place(wanted, options).resolve())}
    for folder in services.folders.list(workspace_id):
        if folder.path in places or folder.id == wanted:
            return folder
    raise InvalidInput(f"“{wanted}” is not watched.", hint="`footnote watch --list` names those that are.")


def _place(folder: str, options: Namespace) -> Path:
    return Path(options.cwd) / Path(folder).expanduser()
