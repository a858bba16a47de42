"""Settings: FOOTNOTE_… variables, then `footnote.toml` in the data folder, then defaults. Built once, handed on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.errors import InvalidInput

TOML_NAME = "footnote.toml"


class Settings(BaseSettings):
    """Everything a person can set outside the settings page."""

    model_config = SettingsConfigDict(env_prefix="FOOTNOTE_", frozen=True, extra="ignore")

    data_dir: Path = Field(default_factory=lambda: user_data_path("footnote", appauthor=False))
    """Documents, vectors and conversations."""
    models_dir: Path | None = None
    """Weights; shared by all data directories. None = the platform's cache folder."""
    builtin_model: Literal["auto", "ask", "off"] = "auto"
    """Whether the built-in chat model is fetched by itself, after a question, or never."""
    builtin_entry: str = "qwen2.5-coder-1.5b"
    """Catalogue key of the built-in chat model."""
    embedder: str = "all-minilm-l6-v2"
    """Catalogue key of the bundled embedder, "multilingual", or the folder of any sentence-transformers model."""
    reranker: Path | None = None
    """Folder of a sentence-transformers cross-encoder that reads the first passages once more; none by default."""
    ollama_url: str = "http://127.0.0.1:11434"
    num_ctx: int = Field(default=8192, ge=1024, le=131072)
    """Tokens of prompt and answer together that a chat model is asked to hold."""
    first_word_seconds: float = Field(default=15.0, ge=1, le=600)
    """After how many seconds a chat model is to begin its answer: one that reads slowly is given fewer sources."""
    threads: int = Field(default=0, ge=0, le=256)
    """Threads for embedding and for the built-in model; 0 = one per physical core."""
    max_upload_mb: int = Field(default=500, ge=1, le=10_000)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then variables, then the TOML file."""
        folder = os.environ.get("FOOTNOTE_DATA_DIR")
        data_dir = Path(folder) if folder else user_data_path("footnote", appauthor=False)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, data_dir / TOML_NAME)


def load_settings(**overrides: object) -> Settings:
    """The settings in force.

    Raises:
        InvalidInput: a variable or the TOML file holds something that cannot be used; the message names it.
    """
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks the types, and names the field
    except ValidationError as error:
        first = error.errors()[0]
        name = "FOOTNOTE_" + "_".join(str(part) for part in first["loc"]).upper()
        raise InvalidInput(f"{name} cannot be used: {first['msg']}.", hint=f"Correct or remove {name}.") from error
    except ValueError as error:  # tomllib's decode error
        raise InvalidInput(f"{TOML_NAME} is not valid TOML: {error}.", hint="Correct the file or remove it.") from error
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser().absolute()})
