"""Variables are stronger than the file, the file than the defaults; nonsense is named."""

import pytest

from rag.errors import InvalidInput
from workspaces.settings import load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(tmp_path))


def test_variables_are_stronger_than_the_file(monkeypatch, tmp_path):
    (tmp_path / "footnote.toml").write_text('num_ctx = 2048\nollama_url = "http://127.0.0.1:1"\n')
    monkeypatch.setenv("FOOTNOTE_NUM_CTX", "4096")
    settings = load_settings()
    assert (settings.num_ctx, settings.ollama_url, settings.builtin_model) == (4096, "http://127.0.0.1:1", "auto")


def test_a_wrong_value_is_named(monkeypatch):
    monkeypatch.setenv("FOOTNOTE_BUILTIN_MODEL", "perhaps")
    with pytest.raises(InvalidInput, match="FOOTNOTE_BUILTIN_MODEL"):
        load_settings()


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "footnote.toml").write_text("num_ctx = = 3")
    with pytest.raises(InvalidInput, match=r"footnote\.toml"):
        load_settings()


def test_a_relative_data_directory_becomes_absolute(monkeypatch):
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", "somewhere")
    assert load_settings().data_dir.is_absolute()
