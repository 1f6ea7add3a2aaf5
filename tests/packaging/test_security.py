"""Known holes below us: least versions, the audit, and the bill of materials of a release."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.paths import ROOT

_PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
_LEAST = re.findall(r"^\| (\S+) \| (\d\S*) \| (CVE-.+) \|$", _PAGE, re.MULTILINE)


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


audit = loaded("audit")


def needed() -> dict[str, Requirement]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = map(Requirement, settings["project"]["dependencies"])
    return {requirement.name: requirement for requirement in found}


def test_no_version_with_a_known_hole_may_be_installed() -> None:
    assert len(_LEAST) >= 6
    for name, least, _why in _LEAST:
        requirement = needed()[name]
        assert f">={least}" in {str(part) for part in requirement.specifier}
        pin = re.search(rf"^{name}==(\S+)$", pins(), re.MULTILINE | re.IGNORECASE)
        assert pin is not None
        assert Version(pin[1]) >= Version(least)


def test_the_reason_stands_beside_each_least_version() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    for name, least, why in _LEAST:
        [line] = [line for line in lines if line.startswith(f'    "{name}>={least}"')]
        for number in re.findall(r"CVE-\d+-\d+", why):
            assert number in line


def pins() -> str:
    return (ROOT / "constraints.txt").read_text(encoding="utf-8")


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., Path]:
    def made(*affected: dict[str, Any], **more: str) -> Path:
        file = tmp_path / "all.zip"
        with zipfile.ZipFile(file, "w") as archive:
            record = {"id": "PYSEC-1", "affected": list(affected), **more}
            archive.writestr("PYSEC-1.json", json.dumps(record))
        return file

    return made


def reach(*events: dict[str, str], name: str = "Some_Package") -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": name}
    return {"package": package, "ranges": [{"type": "ECOSYSTEM", "events": list(events)}]}


@pytest.mark.parametrize(
    ("affected", "is_known"),
    [
        (reach({"introduced": "0"}, {"fixed": "2.0"}), True),
        (reach({"introduced": "0"}, {"fixed": "1.9"}), False),
        (reach({"introduced": "1.9.1"}), False),
        (reach({"introduced": "0"}, {"last_affected": "1.9"}), True),
        (reach({"introduced": "0"}, {"last_affected": "1.8"}), False),
        (reach({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.5"}), True),
        (reach({"introduced": "0"}, name="another"), False),
        ({"package": {"ecosystem": "npm", "name": "some-package"}, "versions": ["1.9"]}, False),
        ({"package": {"ecosystem": "PyPI", "name": "some.package"}, "versions": ["1.9"]}, True),
    ],
)
def test_a_database_tells_what_is_known_of_a_version(
    database: Callable[..., Path], affected: dict[str, Any], is_known: bool
) -> None:
    holes = list(audit.in_database(database(affected), {"some-package": "1.9"}))
    assert [hole.identity for hole in holes] == ["PYSEC-1"] * is_known


def test_what_was_withdrawn_is_no_hole(database: Callable[..., Path]) -> None:
    file = database(reach({"introduced": "0"}), withdrawn="2026-01-01T00:00:00Z")
    assert not list(audit.in_database(file, {"some-package": "1.9"}))


def test_an_audit_fails_on_a_hole_and_when_nobody_was_asked(
    database: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = database(reach({"introduced": "0"}, {"fixed": "9999"}, name="pillow"))
    assert audit.main(["--database", str(known)]) == 1
    assert "PYSEC-1, fixed in 9999" in capsys.readouterr().out
    assert audit.main(["--database", str(database(reach({"introduced": "9999"})))]) == 0
    assert "0 known holes" in capsys.readouterr().out
    assert audit.main(["--database", str(tmp_path / "missing.zip")]) == 2
    assert "Nothing was audited" in capsys.readouterr().out


def test_packages_that_the_service_does_not_know_are_not_called_sound() -> None:
    skipped = {"name": "pillow", "skip_reason": "Dependency not found on PyPI"}
    with pytest.raises(audit.NobodyToAskError, match="DATABASE"):
        audit.asked(json.dumps({"dependencies": [skipped]}))
    hole = {"id": "PYSEC-2", "fix_versions": ["2"]}
    seen = {"name": "lxml", "version": "1", "vulns": [hole]}
    holes, unseen, count = audit.asked(json.dumps({"dependencies": [skipped, seen]}))
    assert (holes, unseen, count) == ([audit.Hole("lxml", "1", "PYSEC-2", ("2",))], ["pillow"], 1)


def test_what_is_needed_is_followed_to_its_end_and_no_further() -> None:
    found = loaded("make_sbom").needed_by("csra-gui")
    assert found >= {"torch", "pillow", "onnxruntime", "shiboken6", "markupsafe", "sympy"}
    assert not found & {"pytest", "ruff", "mypy", "openvino", "pip-audit", "ray"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_bill_of_materials_names_what_an_installation_brings(tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx_py")
    file = tmp_path / "dist" / "csra-gui.cdx.json"
    subprocess.run([sys.executable, ROOT / ".ci" / "make_sbom.py", file], check=True)
    text = file.read_text(encoding="utf-8")
    bill = json.loads(text)
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "csra-gui"
    parts = {part["name"].lower(): part for part in bill["components"]}
    assert parts.keys() >= {"torch", "pillow", "onnxruntime", "lxml", "safetensors"}
    assert not parts.keys() & {"pytest", "ruff", "mypy", "ray"}
    assert all(part.get("version") for part in parts.values())
    assert parts["pillow"]["licenses"]
    known = {part["bom-ref"] for part in (*parts.values(), bill["metadata"]["component"])}
    for one in bill["dependencies"]:
        assert {one["ref"], *one["dependsOn"]} <= known
    assert str(ROOT) not in text
