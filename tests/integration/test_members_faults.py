"""Containers that are interrupted while they are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.parser.client import ParserClient
from ingest.parser.process import HelperStopped
from ingest.protocols import Embedded
from rag.types import Document
from tests.support.containers import mail
from tests.support.services import add, ingested, opened, settled
from workspaces.bootstrap import Services

FILES = {f"{number}.txt": f"Note {number} of winter.".encode() for number in range(5)}


class Interrupted(ParserClient):
    """Does something after the first file inside has been taken in."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act = act

    def parse(self, path: Path, media_type: str, *, embedded: Callable[[Embedded], None], **options: Any) -> Document:
        def take(file: Embedded) -> None:
            embedded(file)
            self._act()

        return super().parse(path, media_type, embedded=take, **options)


def test_a_container_that_is_deleted_while_it_is_read_leaves_nothing(tmp_path):
    found: list[Services] = []

    def delete() -> None:
        for record in found[0].library.documents(found[0].library.workspace("w").id):
            if record.source == "a.eml":
                found[0].library.delete(record.id)

    with opened(tmp_path / "data", parser=lambda: Interrupted(delete)) as services:
        found.append(services)
        workspace = services.library.create_workspace("w").id
        other = ingested(services, workspace, "Another document.", "other.txt")
        settled(services, add(services, workspace, mail(attachments=FILES), "a.eml"))
        assert services.library.wait_purged(timeout=60)
        assert [record.id for record in services.library.documents(workspace)] == [other.id]
        assert [check for check in services.doctor.check() if not check.ok] == []


def test_what_was_taken_in_before_the_process_that_reads_died_is_not_made_twice(tmp_path):
    deaths = iter([HelperStopped()])

    def die() -> None:
        for death in deaths:
            raise death

    with opened(tmp_path / "data", parser=lambda: Interrupted(die)) as services:
        workspace = services.library.create_workspace("w").id
        record = ingested(services, workspace, mail(attachments=FILES), "a.eml")
        assert next(deaths, None) is None, "the control: it died once"
        assert (record.members, record.report.embedded) == (5, 5)
        assert len(services.library.documents(workspace)) == 6
        assert [check for check in services.doctor.check() if not check.ok] == []
