"""Use cases on search indexes: another embedder, another splitter, back to the former one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from rag.errors import FootnoteError, InvalidInput, NotFound
from rag.types import Language
from workspaces import indexes, repository
from workspaces.adapters import MULTILINGUAL
from workspaces.building import Build
from workspaces.database import Database
from workspaces.embedders import Embedders
from workspaces.jobs import Jobs
from workspaces.models import SearchIndex
from workspaces.preferences import Preferences
from workspaces.tables import documents, versions

_log = logging.getLogger("footnote")
_MANY = 0.2
"""Share of a workspace's documents from which another embedder is suggested."""
_KEPT = "embedder-kept"
"""What a person decided, by workspace."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another embedder for a workspace, and why: documents in languages that the present one was not trained for."""

    embedder_key: str
    languages: tuple[Language, ...]
    """Those of most documents first."""
    documents: int


class Reindexing:
    """Thread-safe. Workspaces are given by name or id."""

    def __init__(self, database: Database, jobs: Jobs, embedders: Embedders, preferences: Preferences) -> None:
        self._database = database
        self._jobs = jobs
        self._embedders = embedders
        self._preferences = preferences

    def indexes(self, workspace: str) -> list[SearchIndex]:
        """The index that is searched, then the one that is being built and the previous one, where there are such."""
        with self._database.read() as connection:
            found = indexes.of_workspace(connection, repository.workspace_id_of(connection, workspace))
        return [found[state] for state in ("current", "building", "previous") if state in found]

    def reindex(self, workspace: str, *, embedder_key: str | None = None) -> SearchIndex:
        """Begin to build a new index beside the one that serves, or go on with one like it that was paused or failed.
        The previous one is dropped.

        Args:
            workspace: name or id.
            embedder_key: of the catalogue, or a folder; the embedder stays the same where None.

        Raises:
            NotFound: no such workspace, or no such embedder.
            EmbedderError: the embedder is not set up.
        """
        with self._database.read() as connection:
            current = indexes.current(connection, repository.workspace_id_of(connection, workspace))
        return self._begin(current, self._embedders.key_of(current) if embedder_key is None else _key(embedder_key))

    def better(self, workspace: str) -> Suggestion | None:
        """The multilingual embedder, where the one in use was not trained for the language of many documents; None
        where it was, where nobody says what it was trained for, where the other is being built already, or a person
        has decided to `keep` it.

        Raises:
            NotFound: no such workspace.
        """
        with self._database.read() as connection:
            workspace_id = repository.workspace_id_of(connection, workspace)
            found = indexes.of_workspace(connection, workspace_id)
            spoken = _spoken(connection, workspace_id)
        try:
            known, offered = self._embedders.of(found["current"]).languages, self._embedders.open(MULTILINGUAL)
        except FootnoteError:  # not installed, or the present one is not at hand: that is said where it matters
            return None
        if self._preferences.get(f"{_KEPT}:{workspace_id}") == found["current"].embedder:
            return None
        foreign = {language: count for language, count in spoken.items() if language in offered.languages - known}
        if not known or "building" in found or sum(foreign.values()) < _MANY * sum(spoken.values()) or not foreign:
            return None
        return Suggestion(MULTILINGUAL, tuple(sorted(foreign, key=lambda one: -foreign[one])), sum(foreign.values()))

    def keep(self, workspace: str) -> None:
        """Suggest no other embedder than the present one again. Raises NotFound where there is no such workspace."""
        with self._database.read() as connection:
            current = indexes.current(connection, repository.workspace_id_of(connection, workspace))
        self._preferences.set(f"{_KEPT}:{current.workspace_id}", current.embedder)

    def roll_back(self, workspace: str) -> SearchIndex:
        """Let the previous index take its place again, once it has caught up with what came or changed since.

        Raises:
            NotFound: no such workspace.
            InvalidInput: there is no previous one, another is being built, or this program cannot extend it.
        """
        with self._database.read() as connection:
            found = indexes.of_workspace(connection, repository.workspace_id_of(connection, workspace))
        previous = found.get("previous")
        if previous is None:
            raise InvalidInput("There is no former search index to go back to.", hint="Build a new one instead.")
        if "building" in found:
            raise InvalidInput("A search index is being built.", hint="Cancel that first.")
        try:
            self._embedders.splitter_of(previous)
        except FootnoteError as error:
            raise InvalidInput(
                f"The former search index cannot be brought up to date. {error.message}",
                hint="Build a new one instead.",
            ) from error
        with self._database.write() as connection:
            still = indexes.of_workspace(connection, previous.workspace_id)
            if still.get("previous") != previous or "building" in still:
                raise InvalidInput("The search index has changed meanwhile.", hint="Reload the page.")
            building = indexes.restart(connection, previous)
        self._jobs.build(Build(building.id, building.attempt))
        return building

    def cancel(self, workspace: str) -> None:
        """Give up what is being built; nothing happens where nothing is. Raises NotFound."""
        with self._database.write() as connection:
            found = indexes.of_workspace(connection, repository.workspace_id_of(connection, workspace))
            dropped = indexes.end(connection, found["building"]) if "building" in found else []
        self._purge(dropped)

    def pause(self, workspace: str, *, paused: bool) -> None:
        """Let a build rest, or go on; nothing happens where nothing is being built. Raises NotFound."""
        again = None
        with self._database.write() as connection:
            building = indexes.of_workspace(connection, repository.workspace_id_of(connection, workspace)).get(
                "building"
            )
            if building is not None and paused:
                indexes.change(connection, building.id, paused=True, seconds_left=None)
            elif building is not None and building.paused:
                again = indexes.restart(connection, building)
        if again is not None:
            self._jobs.build(Build(again.id, again.attempt))

    def drop_previous(self, workspace: str) -> None:
        """Take the previous index off the disk; nothing happens where there is none. Raises NotFound."""
        with self._database.write() as connection:
            found = indexes.of_workspace(connection, repository.workspace_id_of(connection, workspace))
            dropped = indexes.drop(connection, found["previous"].id) if "previous" in found else []
        self._purge(dropped)

    # --- what the program needs ------------------------------------------------------------------

    def extendable(self, workspace_id: str) -> SearchIndex | None:
        """The index that is searched, where documents may enter it; None where this program cuts documents otherwise.
        Then it is closed, and another one is begun by itself, unless a person paused that or it failed.

        Raises:
            NotFound: no such workspace.
            EmbedderError: its embedder is not at hand.
        """
        with self._database.read() as connection:
            index = indexes.current(connection, workspace_id)
        key = self._embedders.key_of(index)
        embedder = self._embedders.open(key)
        recipe = self._embedders.splitter(embedder).recipe
        known = {"embedder_key": index.embedder_key or key, "dimension": index.dimension or embedder.dimension}
        with self._database.write() as connection:
            index = indexes.current(connection, workspace_id)
            if index.splitter == recipe or indexes.is_empty(connection, index.id):
                if (index.splitter, index.closed) != (recipe, False) or not index.dimension or not index.embedder_key:
                    indexes.change(connection, index.id, splitter=recipe, closed=False, **known)
                return indexes.current(connection, workspace_id)
            indexes.change(connection, index.id, closed=True, **known)
        self._begin(index, key, asked=False)
        return None

    def look_after(self) -> None:
        """Begin new indexes where this program cuts documents otherwise than the one that made those that serve."""
        with self._database.read() as connection:
            found = indexes.all_live(connection)
        for index in found:
            if index.state == "current":
                try:
                    self.extendable(index.workspace_id)
                except FootnoteError as error:  # whoever adds a document there meets the same error, with its hint
                    _log.warning("%s", error.told)

    def _begin(self, current: SearchIndex, key: str, *, asked: bool = True) -> SearchIndex:
        embedder = self._embedders.open(key)
        recipe = self._embedders.splitter(embedder).recipe
        with self._database.write() as connection:
            found = indexes.of_workspace(connection, current.workspace_id)
            if "current" not in found:
                raise NotFound("This workspace does not exist any more.", hint="Reload the page.")
            building, dropped = found.get("building"), list[str]()
            if building is not None and (building.embedder, building.splitter) == (embedder.name, recipe):
                if not asked and (building.paused or building.problem):
                    return building
                building = indexes.restart(connection, building)
            else:
                dropped = _drop(connection, [found[state] for state in ("building", "previous") if state in found])
                identity = (embedder.name, key or self._embedders.default, embedder.dimension)
                indexes.add(connection, current.workspace_id, state="building", embedder=identity, splitter=recipe)
                building = indexes.of_workspace(connection, current.workspace_id)["building"]
        self._purge(dropped)
        self._jobs.build(Build(building.id, building.attempt))
        return building

    def _purge(self, dropped: Sequence[str]) -> None:
        for index_id in dropped:
            self._jobs.purge("index", index_id)


def _spoken(connection: Connection, workspace_id: str) -> dict[Language, int]:
    """Documents that are found, by their language where it is known."""
    query = (
        select(versions.c.language, func.count())
        .join(documents, documents.c.version_id == versions.c.id)
        .where(
            documents.c.workspace_id == workspace_id,
            documents.c.deleted_at.is_(None),
            versions.c.state == "ready",
            versions.c.language != "",
        )
        .group_by(versions.c.language)
    )
    return dict(iter(connection.execute(query)))


def _key(typed: str) -> str:
    """A key of the catalogue as it is; a folder wherever the program is started from."""
    folder = Path(typed.strip()).expanduser()
    return str(folder.absolute()) if typed.strip() and folder.is_dir() else typed.strip()


def _drop(connection: Connection, doomed: Sequence[SearchIndex]) -> list[str]:
    return [index_id for index in doomed for index_id in indexes.drop(connection, index.id)]
