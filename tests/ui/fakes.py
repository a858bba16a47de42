"""Services in memory with the methods and values of the real ones."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from rag.errors import NotFound
from rag.prompts import Budget, build_messages
from rag.receipts import Receipt, Request, receipt_of
from rag.testing import ScriptedChatModel
from rag.types import Finished, Locator, Passage, Retrieval, Span, Timings
from tests.ui.fake_conversations import DEFAULT, FakeConversations, Script
from tests.ui.fake_library import LEASE, FakeLibrary, FakeReindexing, new_id, now
from tests.ui.fake_tags import FakeTags
from workspaces.models import (
    Check,
    DocumentRecord,
    Download,
    Folder,
    Look,
    ModelChoice,
    PassageView,
    Problem,
    Site,
    SitePage,
    Standing,
    Turn,
)

__all__ = ["DEFAULT", "LEASE", "FakeServices", "Script", "furnished", "install", "unfinished"]


class FakeViewer:
    def __init__(self, library: FakeLibrary, folder: Path) -> None:
        self.library = library
        self.folder = folder
        self.locked: set[str] = set()
        """Documents whose pages want the password."""

    def passage(self, version_id: str, span: Span, *, dpi: int = 110, password: str | None = None) -> PassageView:
        record = self._record(version_id)
        locked = record.id in self.locked and password != self.library.password
        text = self.library.texts[version_id]
        page = 3 if record.pages else None
        return PassageView(
            document=record,
            quote=text[span.start : span.end],
            before=text[: span.start],
            after=text[span.end :],
            page=page,
            page_label=None,
            page_image=self.page_image(version_id, page, span=span) if page and not locked else None,
            page_count=record.pages,
            heading_path=("Rent and deposit",),
            number=1,
            added=record.created_at,
            superseded=record.number > 1,
            locked=locked,
        )

    def passages(self, version_id: str, *, page: int | None = None, offset: int = 0, limit: int = 20) -> list[Passage]:
        record, text = self._record(version_id), self.library.texts[version_id]
        place = Locator("lines", "", 1, 3)
        return [
            Passage(
                "c", record.id, version_id, record.title, 0, Span(0, len(text)), text, "en", page,
                heading_path=("Rent",), locator=None if page else place,
            )
        ]  # fmt: skip

    def page_image(
        self, version_id: str, page: int, *, dpi: int = 110, span: Span | None = None, password: str | None = None
    ) -> bytes:
        import textwrap

        from PIL import Image, ImageDraw, ImageFont

        image = Image.new("RGB", (935, 1210), "white")
        draw = ImageDraw.Draw(image)
        font = ImageFont.load_default(22)
        text = self.library.texts[version_id]
        draw.text((110, 80), f"Page {page}", font=font, fill="#777")
        position = 0
        for row, line in enumerate(textwrap.wrap(text, 62)[:28]):
            start = text.find(line[:20], position)
            top = 150 + row * 36
            if span and start < span.end and start + len(line) > span.start:
                draw.rectangle((104, top - 4, 830, top + 28), fill="#ffe99a")
            draw.text((110, top), line, font=font, fill="#222")
            position = max(position, start)
        stream = io.BytesIO()
        image.save(stream, "PNG")
        return stream.getvalue()

    def version(self, version_id: str) -> DocumentRecord:
        return self._record(version_id)

    def page_text(self, version_id: str, page: int, *, limit: int = 20_000) -> str:
        return self.text(version_id, limit=limit)

    def text(self, version_id: str, *, start: int = 0, limit: int = 20_000) -> str:
        return self.library.texts[version_id][start : start + limit]

    def original(self, document_id: str, version_id: str | None = None) -> SimpleNamespace:
        record = self.library.document(document_id)
        path = self.folder / document_id
        path.write_text(self.library.texts[record.version_id], encoding="utf-8")
        return SimpleNamespace(name=record.source, media_type=record.media_type, path=path)

    def _record(self, version_id: str) -> DocumentRecord:
        for record in self.library.records.values():
            if record.version_id == version_id:
                return record
        raise NotFound("This document was deleted.", hint="Ask the question again.")


class FakeChatModels:
    def __init__(self) -> None:
        self.key = "builtin"
        self.state = Download("present", 1_117_320_768, 1_117_320_768)
        self.list = [
            ModelChoice("builtin", "Built-in (1.5B)", available=True, detail="Runs on this machine's processor."),
            ModelChoice("none", "No model: quotes only", available=True),
            ModelChoice("ollama:qwen3:4b", "qwen3:4b (Ollama)", available=True),
        ]

    def start(self) -> None: ...

    def choices(self) -> list[ModelChoice]:
        return self.list

    def chosen(self) -> str:
        return self.key

    def choose(self, key: str) -> None:
        self.key = key

    def download(self) -> Download:
        return self.state

    def start_download(self) -> None:
        self.state = Download("running", 402_000_000, 1_117_320_768, rate=6_400_000)

    def cancel_download(self) -> None:
        self.state = replace(self.state, state="cancelled", rate=0.0)


class FakeReading:
    """The queue: nothing is read, but everything can be paused, stopped and begun again."""

    def __init__(self, library: FakeLibrary) -> None:
        self.library = library
        self.paused: set[str] = set()
        self.no_room = False
        self.seconds_left: float | None = None

    def standing(self, workspace_id: str) -> Standing:
        left = sum(record.in_work for record in self.library.documents(workspace_id))
        return Standing(left, workspace_id in self.paused, self.no_room, self.seconds_left)

    def pause(self, workspace_id: str) -> int:
        self.paused.add(workspace_id)
        return 1

    def resume(self, workspace_id: str) -> int:
        self.paused.discard(workspace_id)
        return 1

    def stop_waiting(self, workspace_id: str) -> int:
        waiting = [record for record in self.library.documents(workspace_id) if record.in_work]
        for record in waiting:
            self.library.cancel(record.id)
        return len(waiting)

    def retry_failed(self, workspace_id: str) -> int:
        failed = [record for record in self.library.documents(workspace_id) if record.state == "failed"]
        for record in failed:
            self.library.retry(record.id)
        return len(failed)


class FakeSites:
    """Sections in memory; nothing is fetched."""

    def __init__(self, library: FakeLibrary) -> None:
        self.library = library
        self.all: dict[str, Site] = {}
        self.left_out: list[SitePage] = []
        self.outcome = "unchanged"

    def add(self, workspace_id: str, start: str, *, depth: int, pages: int) -> Site:
        site = Site(new_id("s"), workspace_id, start, depth, pages, "running", now(), waiting=1)
        self.all[site.id] = site
        return site

    def in_workspace(self, workspace_id: str) -> list[Site]:
        return [site for site in self.all.values() if site.workspace_id == workspace_id]

    def site(self, site_id: str) -> Site:
        return self.all[site_id]

    def pages(self, site_id: str) -> list[SitePage]:
        return self.left_out

    def stop(self, site_id: str) -> None:
        self.all[site_id] = replace(self.all[site_id], state="paused")

    def resume(self, site_id: str) -> None:
        self.all[site_id] = replace(self.all[site_id], state="running")

    refresh = resume

    def delete(self, site_id: str) -> None:
        self.all.pop(site_id)

    def refresh_document(self, document_id: str) -> str:
        return self.outcome


class FakeFolders:
    """Watched folders in memory; nothing is read."""

    def __init__(self) -> None:
        self.all: dict[str, Folder] = {}

    def add(self, workspace_id: str, path: str) -> Folder:
        folder = Folder(new_id("f"), workspace_id, path, (), now(), files=3)
        self.all[folder.id] = folder
        return folder

    def list(self, workspace_id: str) -> list[Folder]:
        return [folder for folder in self.all.values() if folder.workspace_id == workspace_id]

    def look(self, folder_id: str) -> Look:
        return Look(added=2)

    def remove(self, folder_id: str, *, delete_documents: bool = False) -> None:
        self.all.pop(folder_id)


class FakeTrialQuestions:
    """The questions of tests: those taken from chats only."""

    def __init__(self) -> None:
        self.turns: set[str] = set()

    def take(self, turn_id: str) -> None:
        self.turns.add(turn_id)

    def taken(self, turn_ids: list[str]) -> frozenset[str]:
        return frozenset(self.turns & set(turn_ids))

    def list(self, workspace_id: str) -> list[object]:
        return []

    def making(self, workspace_id: str) -> None:
        return None


class FakeTrials:
    """No test was ever run."""

    def runs(self, workspace_id: str) -> list[object]:
        return []


class FakeDoctor:
    def check(self, *, repair: bool = False) -> list[Check]:
        if repair:
            return [Check("I5", "Nothing unfinished is forgotten or stuck", ok=True, repaired=True)]
        return [
            Check("I1", "Every original is stored, unchanged", ok=True),
            Check("I2", "Every ready document is fully searchable", ok=True, about="No passage is forgotten."),
            Check(
                "I5", "Nothing unfinished is forgotten or stuck", ok=False, detail="1 document waits since yesterday"
            ),
        ]

    def recognition(self) -> str:
        return "Scans and pictures are read with Tesseract (German and English)."


class FakeReceipts:
    """Makes them of what a scripted turn has."""

    def __init__(self, conversations: FakeConversations) -> None:
        self.conversations = conversations
        self.missing: set[str] = set()
        self.asked_for: list[str] = []

    def get(self, turn_id: str) -> Receipt:
        self.asked_for.append(turn_id)
        turn = self.conversations.turn(turn_id)
        if turn_id in self.missing:
            raise NotFound("There is no receipt for this answer.", hint="Ask the question again to get one.")
        model, timings = ScriptedChatModel("x", name=turn.model or "qwen3:4b"), Timings(0.2, 1.4, 6.3)
        prompt = build_messages(
            turn.asked, passages=turn.evidence, history=(), count_tokens=model.count_tokens, budget=Budget(8192)
        )
        retrieval = Retrieval(turn.searched or turn.asked, turn.evidence, 0.82, True)
        request = Request(prompt, model, 8192, {"temperature": 0, "seed": 0, "max_tokens": 500})
        reported = 12 if turn.warning else prompt.tokens - 20
        made = receipt_of(
            turn.asked, retrieval, timings=timings, request=request, finished=Finished("stop", reported, 60)
        )
        return replace(made, limited_to=turn.limited_to)

    def earlier(self, turn_id: str) -> Turn | None:
        repeats = self.conversations.turn(turn_id).repeats
        return self.conversations.turn(repeats) if repeats else None


class FakeServices:
    """What `open_services` returns."""

    def __init__(self, folder: Path) -> None:
        self.settings = SimpleNamespace(
            max_upload_mb=50, ollama_url="http://127.0.0.1:11434", embedder="all-minilm-l6-v2"
        )
        self.library = FakeLibrary()
        self.reindexing = FakeReindexing()
        self.reading = FakeReading(self.library)
        self.sites = FakeSites(self.library)
        self.folders = FakeFolders()
        self.conversations = FakeConversations(self.library)
        self.scoping = self.conversations.scoping
        self.tags = FakeTags(self.library)
        self.receipts = FakeReceipts(self.conversations)
        self.trial_questions = FakeTrialQuestions()
        self.trials = FakeTrials()
        self.viewer = FakeViewer(self.library, folder)
        self.chat_models = FakeChatModels()
        self.doctor = FakeDoctor()
        self.warmed = False
        self.closed = False

    def start(self) -> None: ...

    def warm_up(self) -> None:
        self.warmed = True

    def close(self) -> None:
        self.closed = True


def furnished(folder: Path) -> FakeServices:
    """A workspace with documents in every state."""
    services = FakeServices(folder)
    library = services.library
    space = library.create_workspace("Rental law")
    library.create_workspace("Biology, year 9")
    earlier = now() - timedelta(days=3)
    library.put(
        space.id,
        "court-note.txt",
        title="Note on the court's decision",
        media_type="text/plain",
        size=4_200,
        created_at=earlier,
    )
    library.put(
        space.id,
        "https://example.org/tenancy/deposit",
        title="Deposits: what tenants should know",
        media_type="text/html",
        source_kind="url",
        created_at=earlier,
    )
    library.put(space.id, "lease-2024.pdf", title="Lease agreement, Lindenstraße 12", pages=14, author="K. Berger")
    return services


def unfinished(services: FakeServices) -> None:
    """Add documents that are being read and that failed."""
    library = services.library
    space = library.workspaces()[-1].id
    library.put(
        space,
        "commentary.pdf",
        title="Commentary on tenancy law",
        state="chunked",
        pages=412,
        size=8_300_000,
        progress_done=310,
        progress_total=1180,
    )
    library.put(space, "scan.pdf", title="Handover protocol", pages=3, notes=("Pages 2, 3: no text.",))
    library.put(
        space,
        "old.pdf",
        title="old.pdf",
        state="failed",
        chunks=0,
        characters=0,
        problem=Problem("encrypted", "This PDF needs a password.", "Save a copy without the password and add that."),
    )


def install(services: object, *, replace_in: pytest.MonkeyPatch | None = None) -> None:
    """Let `workspaces.bootstrap.open_services` return these, without importing the engines behind the real one.

    Args:
        services: what it returns.
        replace_in: puts the real module back after a test; without it the process keeps the stand-in.
    """
    import workspaces

    module = ModuleType("workspaces.bootstrap")
    module.__dict__.update(open_services=lambda *_, **__: services, Services=FakeServices)
    if replace_in is None:
        sys.modules["workspaces.bootstrap"] = module
        workspaces.__dict__["bootstrap"] = module
    else:
        replace_in.setitem(sys.modules, "workspaces.bootstrap", module)
        replace_in.setattr(workspaces, "bootstrap", module, raising=False)
