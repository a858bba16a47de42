"""One process owns a data directory."""

import subprocess
import sys

import pytest

from rag.errors import DataDirectoryInUse
from workspaces.owner import Ownership

HOLD = """
import sys, time
from pathlib import Path
from workspaces.owner import Ownership
ownership = Ownership(Path(sys.argv[1]))
ownership.take(port=8501)
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_owner_in_the_same_process_is_refused(tmp_path):
    first = Ownership(tmp_path)
    first.take()
    with pytest.raises(DataDirectoryInUse):
        Ownership(tmp_path).take()
    first.release()
    second = Ownership(tmp_path)
    second.take()
    second.release()


def test_nobody_owns_a_fresh_directory(tmp_path):
    assert Ownership(tmp_path / "not there yet").current() is None
    assert Ownership(tmp_path).current() is None


def test_a_killed_owner_leaves_the_directory_free(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    other = Ownership(tmp_path)
    owner = other.current()
    assert owner is not None
    assert (owner.pid, owner.port) == (process.pid, 8501)
    with pytest.raises(DataDirectoryInUse):
        other.take()
    process.kill()
    process.communicate()
    assert other.current() is None
    other.take()
    other.release()
