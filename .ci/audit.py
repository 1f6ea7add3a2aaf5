"""Say which installed packages have known holes: ``make audit``.

    .ci/audit.py                        asks PyPI, by pip-audit; needs the network
    .ci/audit.py --database all.zip     looks into a file instead, and needs none

The file is OSV's own, https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip: one record
in JSON for each known hole. Exit status: 0 nothing known, 1 something is, 2 nobody could be asked.
A package that the service does not know was not looked at: that is never taken for "nothing known".
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_OWN = "csra-gui"
_KNOWN, _UNKNOWN = 1, 2


class Hole(NamedTuple):
    """One known hole in an installed package."""

    package: str
    version: str
    identity: str
    fixed_in: tuple[str, ...]


class NobodyToAskError(Exception):
    """No answer, or none about any package."""


def main(arguments: list[str] | None = None) -> int:
    """Print what is known; returns the exit status."""
    parser = argparse.ArgumentParser(description="Known holes in the installed packages.")
    parser.add_argument("--database", type=Path, help="OSV's all.zip for PyPI, or none to ask it")
    options = parser.parse_args(arguments)
    try:
        if options.database:
            installed = installed_packages()
            holes, unseen = list(in_database(options.database, installed)), []
            count = len(installed)
        else:
            holes, unseen, count = asked(_pip_audit())
    except NobodyToAskError as error:
        _say(f"Nothing was audited: {error}")
        return _UNKNOWN
    for hole in holes:
        fixed = f"fixed in {', '.join(hole.fixed_in)}" if hole.fixed_in else "no fix is known"
        _say(f"{hole.package} {hole.version}: {hole.identity}, {fixed}")
    if unseen:
        _say(f"Not known to the service, so not audited: {', '.join(unseen)}")
    _say(f"{count} packages audited, {len(holes)} known holes.")
    return _KNOWN if holes else 0


def installed_packages() -> dict[str, str]:
    """Name and version of all that is installed beside this program."""
    found = {
        canonicalize_name(each.metadata["Name"]): each.version
        for each in importlib.metadata.distributions()
    }
    return {name: version for name, version in sorted(found.items()) if name != _OWN}


def in_database(file: Path, installed: dict[str, str]) -> Iterator[Hole]:
    """The records of a database that concern what is installed.

    Raises:
        NobodyToAskError: it is no such database.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            records = [json.loads(archive.read(name)) for name in names]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise NobodyToAskError(f"{file} cannot be read: {error}.") from error
    if not records:
        raise NobodyToAskError(f"{file} has no records.")
    for record in records:
        for affected in record.get("affected", ()) if "withdrawn" not in record else ():
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            version = installed.get(name) if package.get("ecosystem") == "PyPI" else None
            if version is not None and is_affected(version, affected):
                yield Hole(name, version, record["id"], tuple(_fixes(affected)))


def is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Whether a version is one of those that a record names, singly or by ranges."""
    if version in affected.get("versions", ()):
        return True
    try:
        own = Version(version)
        return any(
            _is_within(own, reach.get("events", ()))
            for reach in affected.get("ranges", ())
            if reach.get("type") == "ECOSYSTEM"
        )
    except InvalidVersion:
        return False


def _is_within(own: Version, events: list[dict[str, str]]) -> bool:
    """Events in order: affected from "introduced" to before "fixed", or with "last_affected"."""
    inside = False
    for event in events:
        if "introduced" in event and own >= Version(event["introduced"]):
            inside = True
        is_fixed = "fixed" in event and own >= Version(event["fixed"])
        is_beyond = "last_affected" in event and own > Version(event["last_affected"])
        inside &= not (is_fixed or is_beyond)
    return inside


def _fixes(affected: dict[str, Any]) -> Iterator[str]:
    for reach in affected.get("ranges", ()):
        yield from (event["fixed"] for event in reach.get("events", ()) if "fixed" in event)


def asked(answer: str) -> tuple[list[Hole], list[str], int]:
    """Holes, packages that were not looked at, and how many were, of pip-audit's answer.

    Raises:
        NobodyToAskError: none was.
    """
    try:
        packages = json.loads(answer)["dependencies"]
    except (ValueError, KeyError) as error:
        raise NobodyToAskError("pip-audit gave no answer; it needs the network.") from error
    unseen = [each["name"] for each in packages if "skip_reason" in each and each["name"] != _OWN]
    seen = [each for each in packages if "skip_reason" not in each]
    if not seen:
        raise NobodyToAskError(
            "the package index that pip uses here knows nothing of holes. Ask PyPI itself, or give "
            "a database: make audit DATABASE=all.zip"
        )
    holes = [
        Hole(each["name"], each["version"], hole["id"], tuple(hole["fix_versions"]))
        for each in seen
        for hole in each.get("vulns", ())
    ]
    return holes, unseen, len(seen)


def _pip_audit() -> str:
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        last = done.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise NobodyToAskError(
            f"pip-audit could not ask PyPI ({last[0]}). It needs the network; without one give a "
            "database: make audit DATABASE=all.zip"
        )
    return done.stdout


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
