"""Every error Footnote raises on purpose.

    FootnoteError               message (what and why) + hint (what to do next), both fit for a person's eyes
    ├── SourceError             one source could not be taken in
    │   ├── EmptySource             nothing in it
    │   ├── UnsupportedType         a format Footnote does not read (yet)
    │   ├── DamagedSource           broken, or not what its name says
    │   ├── PasswordNeeded          encrypted
    │   ├── NoText                  opens, but holds no text (a scan)
    │   ├── TooLarge                past a limit, with the figures
    │   ├── ReaderStopped           the process that reads files was ended from outside, twice
    │   ├── ForbiddenAddress        a web address Footnote refuses to contact
    │   └── Unreachable             a web address that did not answer
    │       └── NoPage                  it leads nowhere, however often it is asked
    ├── Cancelled               a person stopped it
    ├── NotFound                no such workspace, document, conversation, model
    ├── NameTaken               the name is in use
    ├── InvalidInput            a name, question or setting that cannot be used
    ├── DataDirectoryInUse      another process owns the data directory
    ├── StorageError            no permission, database damaged
    │   └── DiskFull                no room
    ├── ModelError              a chat model failed
    │   ├── ModelUnavailable        not running, or not reachable
    │   ├── ModelNotInstalled       running, but the model is not there
    │   ├── ModelOutOfMemory        not enough memory for it
    │   └── ModelInterrupted        its stream ended early
    ├── WeightsError            weights could not be fetched or do not match their SHA-256
    └── EmbedderError           the embedder does not fit the collection, or the text
        └── EmbedderUnavailable     the embedder cannot be loaded

Show `message` and `hint` to people, never `str(__cause__)`: causes carry paths and traces. Each class has a stable
`code`, which JSON output and the database store.
"""

from __future__ import annotations

from typing import ClassVar


class FootnoteError(Exception):
    """Base of all errors raised on purpose; `message` says what happened and why, `hint` what to do next."""

    code: ClassVar[str] = "error"
    passing: bool = False
    """Whether trying the same again later may succeed, though nobody changes the source."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def told(self) -> str:
        """Both, as a person reads them."""
        return f"{self.message} {self.hint}".strip()


class SourceError(FootnoteError):
    """One source could not be taken in; the others are unaffected."""

    code = "source"


class EmptySource(SourceError):
    """The source holds no bytes or only white space."""

    code = "empty"


class UnsupportedType(SourceError):
    """A format that Footnote does not read."""

    code = "unsupported"


class DamagedSource(SourceError):
    """The source is broken or is not what its name says."""

    code = "damaged"


class PasswordNeeded(SourceError):
    """The source is encrypted."""

    code = "encrypted"


class NoText(SourceError):
    """The source opens but holds no text."""

    code = "no_text"


class TooLarge(SourceError):
    """The source passes a limit; the message carries the figures."""

    code = "too_large"


class ReaderStopped(DamagedSource):
    """The process that reads files was ended from outside (for want of memory, say), and so was the next one."""

    code = "reader_stopped"
    passing = True


class ForbiddenAddress(SourceError):
    """A web address that Footnote refuses to contact."""

    code = "forbidden"


class Unreachable(SourceError):
    """A web address that gave no usable answer."""

    code = "unreachable"
    passing = True


class NoPage(Unreachable):
    """A web address that leads nowhere, however often it is asked."""

    passing = False


class Cancelled(FootnoteError):
    """A person stopped the work."""

    code = "cancelled"


class NotFound(FootnoteError):
    """No such workspace, document, conversation or model."""

    code = "not_found"


class NameTaken(FootnoteError):
    """The name is in use."""

    code = "name_taken"


class InvalidInput(FootnoteError):
    """A name, question or setting that cannot be used."""

    code = "invalid"


class DataDirectoryInUse(FootnoteError):
    """Another process owns the data directory."""

    code = "in_use"


class StorageError(FootnoteError):
    """A permission is missing, or the database is damaged."""

    code = "storage"
    passing = True


class DiskFull(StorageError):
    """There is no room on the disk."""

    code = "disk_full"


class ModelError(FootnoteError):
    """A chat model failed."""

    code = "model"


class ModelUnavailable(ModelError):
    """The model's server is not running or not reachable."""

    code = "model_unavailable"


class ModelNotInstalled(ModelError):
    """The server runs, but the model is not there."""

    code = "model_not_installed"


class ModelOutOfMemory(ModelError):
    """There is not enough memory for the model."""

    code = "model_out_of_memory"


class ModelInterrupted(ModelError):
    """The model's stream ended before it was done."""

    code = "model_interrupted"


class WeightsError(FootnoteError):
    """Weights could not be fetched, or do not match their SHA-256."""

    code = "weights"


class EmbedderError(FootnoteError):
    """The embedder does not fit the collection, or the text."""

    code = "embedder"


class EmbedderUnavailable(EmbedderError):
    """The embedder cannot be loaded."""

    passing = True
