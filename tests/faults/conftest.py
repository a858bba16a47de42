"""What the tests of kills, errors and full disks share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.fault_run import Driver, make_sources


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sources(tmp_path_factory.mktemp("faults") / "sources")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Path:
    """A data directory that has been opened once and holds nothing."""
    folder = tmp_path_factory.mktemp("faults") / "library"
    with Driver(folder, sources) as driver:
        assert driver.heard("started")
    return folder


@pytest.fixture
def data(tmp_path: Path, library: Path) -> Path:
    return Path(shutil.copytree(library, tmp_path / "data"))
