"""Opening and closing the application: lazy, exclusive, repeatable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import DataDirectoryInUse, StorageError
from tests.support.services import add, ingested, opened
from workspaces.bootstrap import open_services
from workspaces.owner import Ownership
from workspaces.settings import load_settings


def test_opening_starts_no_engine(tmp_path):
    code = """
import sys
from pathlib import Path
from workspaces.bootstrap import open_services
from workspaces.settings import load_settings
services = open_services(load_settings(data_dir=Path(sys.argv[1])))
assert services.library.workspaces() == []
print(sorted({"torch", "chromadb", "onnxruntime", "dbos", "streamlit", "xllamacpp", "trafilatura", "pypdfium2"} & set(sys.modules)))
import psutil
print(len(psutil.Process().children()))
services.close()
"""  # noqa: E501
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert ran.stdout.split("\n")[:2] == ["[]", "0"], ran.stderr


def test_a_data_directory_has_one_owner(tmp_path):
    with opened(tmp_path, jobs=False), pytest.raises(DataDirectoryInUse), opened(tmp_path, jobs=False):
        pass
    with opened(tmp_path, jobs=False):
        pass


def test_the_owner_says_where_its_server_is(tmp_path):
    services = open_services(load_settings(data_dir=tmp_path), jobs=False, port=8765)
    try:
        owner = Ownership(tmp_path).current()
        assert owner is not None
        assert owner.port == 8765
    finally:
        services.close()
    assert Ownership(tmp_path).current() is None


def test_a_damaged_database_leaves_the_directory_free(tmp_path):
    (tmp_path / "footnote.db").write_bytes(b"nonsense " * 1000)
    for _ in range(2):
        with pytest.raises(StorageError, match="damaged"), opened(tmp_path):
            pass
    assert Ownership(tmp_path).current() is None


def test_reading_starts_no_work(tmp_path):
    with opened(tmp_path, jobs=False) as services:
        workspace = services.library.create_workspace("w").id
        id_ = add(services, workspace, "Unread.")
        assert services.library.document(id_).state == "stored"
    assert not (tmp_path / "jobs.db").exists()


def test_closing_twice_and_opening_again_is_fine(tmp_path):
    for turn in range(3):
        with opened(tmp_path) as services:
            if turn == 0:
                workspace = services.library.create_workspace("w").id
            ingested(services, workspace, f"Turn {turn}.", f"{turn}.txt")
            services.close()
            with pytest.raises(StorageError, match="closed"):
                services.library.workspaces()
    with opened(tmp_path) as services:
        assert services.library.workspace("w").documents == 3


def test_closing_ends_every_child(tmp_path):
    import psutil

    with opened(tmp_path) as services:
        workspace = services.library.create_workspace("w").id
        ingested(services, workspace, "A child reads, another indexes.")
        children = psutil.Process().children(recursive=True)
        assert len(children) >= 2, "the control"
    assert not [child for child in children if child.is_running()]


def test_warming_up_proves_the_index_in_the_background(tmp_path):
    with opened(tmp_path) as services:
        ingested(services, services.library.create_workspace("w").id, "Warm.")
    with opened(Path(tmp_path), start=False) as services:
        services.warm_up()
        services.start()  # waits for the same start
        assert services.library.search("w", "warm").passages[0].text == "Warm."
