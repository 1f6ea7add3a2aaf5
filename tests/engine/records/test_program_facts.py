"""Which program made something is known, from a clone and without one."""

import subprocess

from engine import __version__
from engine.records.program_facts import commit, program_facts


def git(folder, *arguments):
    known = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *known, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_version_is_always_told():
    assert program_facts()["program"] == f"csra-gui {__version__}"


def test_a_clone_tells_its_commit_and_whether_it_was_changed(tmp_path, monkeypatch):
    for changed in (False, True):
        folder = tmp_path / str(changed)
        folder.mkdir()
        git(folder, "init", "-q")
        (folder / "x").write_text("1")
        git(folder, "add", "x")
        git(folder, "commit", "-qm", "one")
        git(folder, "tag", "v1")
        monkeypatch.setenv("GIT_DIR", "/nowhere")  # as in a hook
        if changed:
            (folder / "x").write_text("2")
        found = commit(folder)
        monkeypatch.delenv("GIT_DIR")
        assert found == git(folder, "rev-parse", "HEAD")[:12] + "-dirty" * changed


def test_what_is_no_clone_has_no_commit(tmp_path):
    assert commit(tmp_path) == ""
