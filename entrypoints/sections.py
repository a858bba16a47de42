"""The parts of commands that fetch: sections of the web, and web documents again."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping

from entrypoints import shown, tagged
from entrypoints.output import Output, as_json
from rag.errors import FootnoteError, InvalidInput
from workspaces.bootstrap import Services
from workspaces.models import SECTION_DEPTH, SECTION_PAGES, DocumentRecord, Site


def add(services: Services, workspace_id: str, options: Namespace, out: Output) -> int:
    """Take in each address with the section below it; waits. One result a page, those left out with their reasons;
    exit 0 if every section was looked at to its end and all documents that it has became ready."""
    wrong = [source for source in options.sources if "://" not in source]
    if wrong:
        raise InvalidInput(f"“{wrong[0]}” is not a web address.", hint="--section goes with web addresses only.")
    depth = SECTION_DEPTH.usual if options.depth is None else options.depth
    pages = SECTION_PAGES.usual if options.pages is None else options.pages
    added = [services.sites.add(workspace_id, source, depth=depth, pages=pages).id for source in options.sources]
    return max([_finished(services, site_id, options, out) for site_id in added])


def refresh(services: Services, chosen: Mapping[str, DocumentRecord], options: Namespace, out: Output) -> int:
    """Fetch documents again, one after the other; exit 0 if all could be fetched and what has changed is ready."""
    told: dict[str, tuple[str, FootnoteError | None]] = {}
    for record in chosen.values():
        try:
            told[record.id] = (services.sites.refresh_document(record.id), None)
        except FootnoteError as error:
            told[record.id] = ("failed", error)
    changed = [document_id for document_id, (outcome, _) in told.items() if outcome == "changed"]
    for record in services.library.wait(changed):
        out.note(f"{record.source}: {'reading' if record.in_work else 'done'}")
    unread = {document_id for document_id in changed if _is_unread(services.library.document(document_id))}
    for document_id, (outcome, problem) in told.items():
        source = chosen[document_id].source
        if options.json:
            out.line(as_json(shown.refreshed_json(document_id, source, outcome, problem)))
        else:
            out.line(f"{outcome:10}{source}" + (f": {problem.told}" if problem else ""))
    if not told:
        out.note("No documents from the web.")
    return 1 if unread or any(problem for _, problem in told.values()) else 0


def _is_unread(record: DocumentRecord) -> bool:
    return record.state != "ready" or (record.pending is not None and record.pending.state == "failed")


def _finished(services: Services, site_id: str, options: Namespace, out: Output) -> int:
    site = services.sites.site(site_id)
    for site in services.sites.wait(site_id):
        out.note(f"{site.start}: {site.taken} taken, {site.refused + site.failed} left out")
    pages = services.sites.pages(site_id)
    ids = [page.document_id for page in pages if page.document_id and page.state == "fetched"]
    records = {record.id: record for record in services.library.wait(ids)}
    records |= tagged.added(services, site.workspace_id, list(records), options)
    for page in services.sites.pages(site_id):  # some turned out to be notices instead of pages
        record = records.get(page.document_id or "")
        if page.state == "fetched" and record is not None:
            line = shown.document_json(record) if options.json else shown.document_line(page.url, record)
        elif page.reason:
            line = shown.left_out_json(page) if options.json else f"{page.state:8}{page.url}: {page.reason}"
        else:
            continue
        out.line(as_json(line) if options.json else str(line))
    return _code(services.sites.site(site_id), list(records.values()), out)


def _code(site: Site, records: list[DocumentRecord], out: Output) -> int:
    if site.waiting:
        out.note(f"{site.start}: {site.waiting} addresses were not asked for.")
    if site.problem is not None:
        out.note(f"{site.start}: {site.problem.told}")
    ready = [record for record in records if record.state == "ready"]
    return 0 if site.state == "done" and ready and len(ready) >= site.taken else 1
