"""The commands on a data directory: each takes the services, the parsed arguments and an output, and returns an exit
code. The command line runs them in its own process, or the running server runs them for it; none is written twice."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from entrypoints import indexed, receipt_shown, scoped, sections, shown, tagged, tested, watched
from entrypoints.output import Output, as_json
from rag.errors import FootnoteError, InvalidInput, NotFound
from rag.types import Answered, Interrupted, Progress, Refused
from workspaces.bootstrap import Services
from workspaces.identifiers import new_id
from workspaces.models import Check, DocumentRecord

_PURGE_SECONDS = 120.0
_TELL_SECONDS = 15.0
"""Between two lines about how much is left."""


def workspace_list(services: Services, options: Namespace, out: Output) -> int:
    """All workspaces with their figures."""
    found = services.library.workspaces()
    if options.json:
        out.line(as_json([shown.workspace_json(item) for item in found]))
        return 0
    for item in found:
        out.line(f"{item.name}  ({item.documents} documents, {item.chunks} passages, {item.conversations} chats)")
    if not found:
        out.note("No workspaces yet. Create one: footnote workspace create NAME")
    return 0


def workspace_create(services: Services, options: Namespace, out: Output) -> int:
    """Make a workspace; prints its id."""
    made = services.library.create_workspace(options.name)
    out.line(as_json(shown.workspace_json(made)) if options.json else made.id)
    return 0


def workspace_answers(services: Services, options: Namespace, out: Output) -> int:
    """Choose whether answers may add general knowledge."""
    changed = services.library.set_mode(options.name, options.mode)
    out.note(f"Answers in “{changed.name}”: {changed.mode}.")
    return 0


def workspace_delete(services: Services, options: Namespace, out: Output) -> int:
    """Delete a workspace with all that it holds; asks for --yes."""
    item = services.library.workspace(options.name)
    if not options.yes:
        raise InvalidInput(
            f"“{item.name}” holds {item.documents} documents and {item.conversations} chats.",
            hint="Add --yes to delete them all.",
        )
    services.library.delete_workspace(item.id)
    _off_disk(services, out)
    out.note(f"Deleted “{item.name}”: {item.documents} documents, {item.conversations} chats.")
    return 0


def add(services: Services, options: Namespace, out: Output) -> int:
    """Take in files, folders and web addresses; waits. One result a source; exit 0 only if all became ready, and all
    that lies inside them."""
    tagged.check(options.tag)
    if options.section:
        return sections.add(services, _made(services, options.workspace), options, out)
    if options.depth is not None or options.pages is not None:
        raise InvalidInput("--depth and --pages belong to a section.", hint="Add --section.")
    workspace_id = _made(services, options.workspace)
    added: list[tuple[str, DocumentRecord | FootnoteError]] = []
    names: Counter[str] = Counter()
    options.batch = new_id()
    for source in options.sources:
        added += _added(services, workspace_id, source, options, names)
    final = _awaited(services, [record.id for _, record in added if isinstance(record, DocumentRecord)], out)
    final |= tagged.added(
        services, workspace_id, [item.id for _, item in added if isinstance(item, DocumentRecord)], options
    )
    failed = 0
    for source, record in added:
        if isinstance(record, FootnoteError):
            failed += 1
            refused = f"failed  {source}: {record.told}"
            told = {**shown.refused_json(source, record), "failed_inside": []}
            out.line(as_json(told) if options.json else refused)
            continue
        last = final.get(record.id) or services.library.twin(record.id) or record  # else somebody deleted it meanwhile
        inside = [item for item in services.library.inside([last.id]) if item.state != "ready"] if last.members else []
        failed += last.state != "ready" or last.pending is not None or bool(inside)
        described = {**shown.document_json(last), "source": source, "duplicate": _is_duplicate(record, last)}
        described["failed_inside"] = [shown.document_json(item) for item in inside]
        out.line(as_json(described) if options.json else shown.document_line(source, last))
        for item in [] if options.json else inside:
            out.line(f"  {shown.document_line(item.path or item.source, item)}")
    return 1 if failed or not added else 0


def watch(services: Services, options: Namespace, out: Output) -> int:
    """Watch a folder, list those watched, look into them, or stop watching one."""
    adding = not (options.list or options.look or options.remove)
    workspace_id = _made(services, options.workspace) if adding else _existing(services, options.workspace)
    return watched.run(services, workspace_id, options, out)


def pause(services: Services, options: Namespace, out: Output) -> int:
    """Read no documents of a workspace, or of all, for the time being."""
    services.reading.pause(options.workspace)
    out.note("Paused: no documents are read until `footnote resume`.")
    return 0


def resume(services: Services, options: Namespace, out: Output) -> int:
    """Read documents again; without a server they are read when it runs next."""
    services.reading.resume(options.workspace)
    out.note("Documents are read again while Footnote runs.")
    return 0


def unlock(services: Services, options: Namespace, out: Output) -> int:
    """Open a PDF that failed for want of its password; waits. Exit 0 only if it became ready."""
    record = _named(services.library.documents(_existing(services, options.workspace)), options.document)
    services.library.unlock(record.id, options.secret or "", keep=options.keep)
    last = _awaited(services, [record.id], out).get(record.id, record)
    name = last.title or last.source
    out.line(as_json(shown.document_json(last)) if options.json else shown.document_line(name, last))
    return 0 if last.state == "ready" and last.pending is None else 1


def documents(services: Services, options: Namespace, out: Output) -> int:
    """The documents of a workspace."""
    found = services.library.documents(_existing(services, options.workspace))
    if options.json:
        out.line(as_json([shown.document_json(record) for record in found]))
        return 0
    for record in found:
        out.line(f"{record.id[:8]}  {shown.document_line(record.title or record.source, record)}")
    if not found:
        out.note("No documents yet. Add some: footnote add -w WORKSPACE PATH_OR_URL…")
    return 0


def tag_add(services: Services, options: Namespace, out: Output) -> int:
    """Give documents a tag."""
    workspace_id, ids = _chosen(services, options)
    return tagged.add(services, workspace_id, ids, options, out)


def tag_remove(services: Services, options: Namespace, out: Output) -> int:
    """Take a tag from documents."""
    workspace_id, ids = _chosen(services, options)
    return tagged.remove(services, workspace_id, ids, options, out)


def delete(services: Services, options: Namespace, out: Output) -> int:
    """Delete documents by id (or the beginning of one), title or file name; all are found before any is gone."""
    found = services.library.documents(_existing(services, options.workspace))
    doomed = {record.id: record for record in (_named(found, wanted) for wanted in options.documents)}
    for record in doomed.values():
        services.library.delete(record.id)
    _off_disk(services, out)
    for record in doomed.values():
        out.note(f"Deleted “{record.title or record.source}”.")
    return 0


def refresh(services: Services, options: Namespace, out: Output) -> int:
    """Fetch web documents again, all of a workspace or those named; waits until what has changed is read."""
    found = services.library.documents(_existing(services, options.workspace))
    chosen = [_named(found, wanted) for wanted in options.documents] or [
        record for record in found if record.fetched_at is not None
    ]
    return sections.refresh(services, {record.id: record for record in chosen}, options, out)


def search(services: Services, options: Namespace, out: Output) -> int:
    """The best passages for a question."""
    home, asked = scoped.read(services, options, out)
    found = services.library.search(home, asked.question, limit=options.k, scope=asked.scope)
    names = scoped.workspaces(services, home, asked, found.passages)
    if options.json:
        told = [shown.passage_json(one, workspace=names.get(one.document_id, "")) for one in found.passages]
        out.line(as_json(told))
        return 0
    for rank, passage in enumerate(found.passages, 1):
        workspace = names.get(passage.document_id, "") if asked.scope.also else ""
        for line in shown.passage_lines(rank, passage, workspace=workspace):
            out.line(line)
    if not found.sufficient:
        out.note("Your documents do not seem to answer this; these are the nearest passages.")
        scoped.note_limits(asked, out)
    return 0


def ask(services: Services, options: Namespace, out: Output) -> int:
    """Answer a question from the documents. A refusal is an answer too: exit 0."""
    home, asked = scoped.read(services, options, out)
    model = None
    if not options.no_model:
        services.chat_models.ensure(lambda download: out.note(shown.download_line(download)))
        model = services.chat_models.open()
    final: Answered | Refused | Interrupted | None = None
    for event in services.conversations.answer(home, asked.question, model=model, scope=asked.scope):
        if isinstance(event, Progress):
            out.note(f"{event.note}…")
        elif isinstance(event, Answered | Refused | Interrupted):
            final = event
    if final is None:
        raise RuntimeError("answering ended without a last event")
    cited = final.citations if isinstance(final, Refused) else final.answer.citations
    names = scoped.workspaces(services, home, asked, cited)
    if options.json:
        out.line(as_json(shown.answer_json(final, model=model.name if model else None, workspaces=names)))
    else:
        for line in shown.answer_lines(final, workspaces=names if asked.scope.also else {}):
            out.line(line)
        for line in receipt_shown.lines(final.receipt) if options.receipt and final.receipt else ():
            out.line(line)
    if isinstance(final, Refused):
        scoped.note_limits(asked, out)
    return 1 if isinstance(final, Interrupted) else 0


def test(services: Services, options: Namespace, out: Output) -> int:
    """Ask the questions of a workspace's test and print the figures; waits."""
    return tested.run(services, _existing(services, options.workspace), options, out)


def doctor(services: Services, options: Namespace, out: Output) -> int:
    """Check that everything Footnote holds is whole. Exit 0 only if it is."""
    code = show_checks(services.doctor.check(repair=options.repair), options, out)
    if not options.json:
        for note in services.doctor.notes():
            out.note(note)
    return code


def reindex(services: Services, options: Namespace, out: Output) -> int:
    """Build a new search index, or go back to the former one; waits."""
    return indexed.reindex(services, options, out)


def reread(services: Services, options: Namespace, out: Output) -> int:
    """Read documents of an earlier version again; waits. Exit 0 only if all became ready."""
    begun = indexed.reread(services, options, _named)
    _awaited(services, [record.id for record in begun], out)
    final = [services.library.document(record.id) for record in begun]
    for record in final:
        out.line(as_json(shown.document_json(record)) if options.json else shown.document_line(record.source, record))
    return 0 if all(record.state == "ready" and record.pending is None for record in final) else 1


def show_checks(checks: list[Check], options: Namespace, out: Output) -> int:
    """Print what was checked; the exit code."""
    if options.json:
        out.line(as_json([asdict(check) for check in checks]))
    else:
        for check in checks:
            mark = "repaired" if check.repaired else "ok" if check.ok else "WRONG"
            out.line(f"{mark:9}{check.id:4}{check.title}" + (f": {check.detail}" if check.detail else ""))
    return 0 if all(check.ok for check in checks) else 1


def models_list(services: Services, options: Namespace, out: Output) -> int:
    """The chat models at hand; the chosen one is marked."""
    chosen = services.chat_models.chosen()
    choices = services.chat_models.choices()
    if options.json:
        out.line(as_json([{**asdict(choice), "chosen": choice.key == chosen} for choice in choices]))
        return 0
    for choice in choices:
        mark = "*" if choice.key == chosen else " "
        out.line(f"{mark} {choice.key:24}{choice.label}" + (f" ({choice.detail})" if choice.detail else ""))
    return 0


def models_pull(services: Services, _options: Namespace, out: Output) -> int:
    """Fetch the built-in chat model."""
    services.chat_models.ensure(lambda download: out.note(shown.download_line(download)), builtin=True)
    out.note("The built-in model is ready.")
    return 0


def _existing(services: Services, name: str) -> str:
    return services.library.workspace(name).id


def _made(services: Services, name: str) -> str:
    try:
        return _existing(services, name)
    except NotFound:
        return services.library.create_workspace(name).id


def _chosen(services: Services, options: Namespace) -> tuple[str, list[str]]:
    """(workspace id, ids of the documents that the options name)."""
    workspace_id = _existing(services, options.workspace)
    found = services.library.documents(workspace_id)
    return workspace_id, list(dict.fromkeys(_named(found, wanted).id for wanted in options.documents))


def _named(found: list[DocumentRecord], wanted: str) -> DocumentRecord:
    exact = [record for record in found if wanted in (record.id, record.title, record.source)]
    matches = exact or [record for record in found if wanted and record.id.startswith(wanted)]
    if len(matches) != 1:
        raise InvalidInput(f"“{wanted}” names {len(matches)} documents.", hint="`footnote documents` lists their ids.")
    return matches[0]


def _off_disk(services: Services, out: Output) -> None:
    if not services.library.wait_purged(timeout=_PURGE_SECONDS):
        out.note("It is out of every search, and leaves the disk when other work is done.")


def _added(
    services: Services, workspace_id: str, source: str, options: Namespace, names: Counter[str]
) -> Iterator[tuple[str, DocumentRecord | FootnoteError]]:
    """(name as typed, its document or why there is none) of a web address, a file, or each file of a folder.

    Files of one name that come with one command, from several folders, are no versions of one another; `names` counts.
    """
    try:
        if "://" in source:
            yield source, services.library.add_url(workspace_id, source)
            return
        place = Path(options.cwd) / Path(source).expanduser()
        files = list(_files(place, source))
        names.update(file.name for file in files)
    except (FootnoteError, OSError) as error:
        yield source, error if isinstance(error, FootnoteError) else _unreadable(source, error)
        return
    for file in files:
        name = source if file == place else str(Path(source) / file.relative_to(place))
        try:
            both = options.keep_both or names[file.name] > 1
            yield name, services.library.add_file(workspace_id, file.name, file, keep_both=both, batch=options.batch)
        except InvalidInput as error:  # this one cannot be read; a full disk is everybody's problem
            yield name, error


def _files(path: Path, source: str) -> list[Path]:
    """A file itself, or the files of a folder and its subfolders, hidden ones left out; links are not followed."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InvalidInput(f"“{source}” is not a file, folder or web address.", hint="Check the spelling.")
    inside = (item for item in sorted(path.rglob("*")) if item.is_file() and not item.is_symlink())
    found = [item for item in inside if not any(part.startswith(".") for part in item.relative_to(path).parts)]
    if not found:
        raise InvalidInput(f"The folder “{source}” holds no files.", hint="Hidden files are left out.")
    return found


def _unreadable(source: str, error: OSError) -> InvalidInput:
    reason = error.strerror or "the system refused it"
    return InvalidInput(f"“{source}” cannot be read: {reason}.", hint="Check that you may read it.")


def _awaited(services: Services, ids: list[str], out: Output) -> dict[str, DocumentRecord]:
    records: dict[str, DocumentRecord] = {}
    told = time.monotonic()
    for record in services.library.wait(ids):
        before = records.get(record.id)
        if before is None or shown.state(before) != shown.state(record):
            out.note(f"{shown.state(record):9}{record.source}")
        if shown.waits(record) and (before is None or shown.waits(before) != shown.waits(record)):
            out.note(f"{'':9}{record.source}: {shown.waits(record)}")
        records[record.id] = record
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            out.note(f"{'':9}{shown.left(services.reading.standing(record.workspace_id))}")
    if any(record.in_work for record in records.values()):
        out.note("Reading is paused; `footnote resume` goes on.")
    return records


def _is_duplicate(first: DocumentRecord, last: DocumentRecord) -> bool:
    return first.duplicate_of is not None or last.id != first.id
