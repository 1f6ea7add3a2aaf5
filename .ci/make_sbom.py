"""Write the bill of materials of a release (CycloneDX): all that an installation brings along.

    .ci/make_sbom.py FILE

It holds what the program needs and what that needs, in the versions that are installed here, with
their licences; nothing that only development needs. No paths, and the same file twice.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_OWN = "csra-gui"
_PROJECT = Path(__file__).resolve().parent.parent


def main(target: Path) -> None:
    """Make the file."""
    whole = _of_environment()
    needed = needed_by(_OWN)
    kept = [x for x in whole["components"] if canonicalize_name(x["name"]) in needed - {_OWN}]
    root = whole["metadata"]["component"]
    root["version"] = importlib.metadata.version(_OWN)
    for part in (root, *kept):
        part.pop("externalReferences", None)  # of what is installed in place, they are paths
    known = {part["bom-ref"] for part in (root, *kept)}
    whole["components"] = kept
    whole["dependencies"] = [
        {"ref": one["ref"], "dependsOn": sorted(known & set(one.get("dependsOn", ())))}
        for one in whole["dependencies"]
        if one["ref"] in known
    ]
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(whole, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def needed_by(name: str) -> set[str]:
    """A package and all that it needs here, whatever is only for an extra left out."""
    found, waiting = set[str](), [name]
    while waiting:
        one = canonicalize_name(waiting.pop())
        if one in found:
            continue
        try:
            requirements = importlib.metadata.requires(one) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # a build of something needs it that is not the one here
        found.add(one)
        for text in requirements:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _of_environment() -> dict[str, Any]:
    command = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable]
    options = ["--pyproject", str(_PROJECT / "pyproject.toml"), "--output-reproducible"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
