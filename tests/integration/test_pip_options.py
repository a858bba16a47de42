from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rag.errors import WeightsError
from rag.weights.pip_options import read_pip_options


@pytest.fixture(autouse=True)
def pip_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A pip without any configuration but the file that is returned."""
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    path = tmp_path / "pip.conf"
    path.write_text("")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return path


def test_without_configuration_it_is_pips_own_index() -> None:
    options = read_pip_options()
    assert len(options.indexes) == 1
    assert options.indexes[0].startswith("https://")
    assert (options.find_links, options.trusted_hosts, options.cert) == ((), (), None)
    assert options.timeout > 0


def test_the_configuration_file_is_read(pip_of_nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_of_nobody.write_text(
        "[global]\n"
        "index-url = https://mirror.example/simple\n"
        "extra-index-url =\n    https://second.example/simple\n    file:///srv/simple\n"
        "trusted-host = mirror.example\n"
        "cert = /etc/own.pem\n"
        "timeout = 42\n"
        "[install]\n"
        "find-links = /srv/wheels\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(pip_of_nobody))
    options = read_pip_options()
    assert options.indexes == ("https://mirror.example/simple", "https://second.example/simple", "file:///srv/simple")
    assert options.find_links == ("/srv/wheels",)
    assert options.trusted_hosts == ("mirror.example",)
    assert options.cert == "/etc/own.pem"
    assert options.timeout == 42


def test_variables_are_stronger_than_the_file(pip_of_nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_of_nobody.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(pip_of_nobody))
    monkeypatch.setenv("PIP_INDEX_URL", "https://stronger.example/simple")
    assert read_pip_options().indexes == ("https://stronger.example/simple",)


def test_no_index_means_link_folders_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "/srv/wheels /srv/more")
    options = read_pip_options()
    assert options.indexes == ()
    assert options.find_links == ("/srv/wheels", "/srv/more")


def test_a_configuration_that_pip_cannot_read_is_said(pip_of_nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_of_nobody.write_text("no section\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(pip_of_nobody))
    with pytest.raises(WeightsError, match="pip could not be asked"):
        read_pip_options()


def test_a_python_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        read_pip_options(python=str(tmp_path / "python"))
    assert read_pip_options(python=sys.executable).indexes
