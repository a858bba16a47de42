"""Use cases on the queue of a workspace: pause it, let it go on, stop what waits, try again what failed, look how it
stands."""

from __future__ import annotations

from workspaces import queueing, repository
from workspaces.database import Database
from workspaces.jobs import Jobs
from workspaces.models import Standing


class Reading:
    """What a person may do about the reading of documents. Every method is safe to call from any thread."""

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    def pause(self, workspace_id: str | None = None) -> int:
        """Let no document of a workspace be read until `resume`, also after a restart; what is in work stops at its
        next look and keeps what is done. Returns how many workspaces that changed.

        Args:
            workspace_id: name or id; all that there are now where None.

        Raises:
            NotFound: no such workspace.
        """
        return self._set_paused(workspace_id, paused=True)

    def resume(self, workspace_id: str | None = None) -> int:
        """Take `pause` back. Arguments, result and errors as there."""
        changed = self._set_paused(workspace_id, paused=False)
        self._jobs.ingest()
        return changed

    def stop_waiting(self, workspace_id: str) -> int:
        """Stop what waits to be read, as `Library.cancel` does; what is in work is finished. Returns how many documents
        that were. Raises NotFound."""
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            busy = frozenset() if queueing.is_paused(connection, found) else self._jobs.at_work()
            return queueing.stop_all(connection, found, but=busy)

    def retry_failed(self, workspace_id: str) -> int:
        """Begin again with all documents that failed, as `Library.retry` does; those that want a password are left out.
        Returns how many. Raises NotFound."""
        with self._database.write() as connection:
            count = queueing.retry_failed(connection, repository.workspace_id_of(connection, workspace_id))
        self._jobs.ingest()
        return count

    def standing(self, workspace_id: str) -> Standing:
        """How the queue of a workspace stands. Raises NotFound."""
        with self._database.read() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            paused = queueing.is_paused(connection, found)
            left, size = queueing.left(connection, found)
        no_room = left > 0 and self._jobs.room.is_short
        idle = not left or paused or no_room
        return Standing(
            left=left,
            paused=paused,
            no_room=no_room,
            seconds_left=None if idle else self._jobs.rates.seconds_left(found, documents=left, size=size),
        )

    def _set_paused(self, workspace_id: str | None, *, paused: bool) -> int:
        with self._database.write() as connection:
            found = None if workspace_id is None else repository.workspace_id_of(connection, workspace_id)
            return queueing.set_paused(connection, found, paused=paused)
