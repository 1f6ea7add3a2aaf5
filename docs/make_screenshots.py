"""Make the pictures of the documents: the real windows, light and dark.

python docs/make_screenshots.py                    # all of them, into docs/screenshots
python docs/make_screenshots.py --to DIR main why  # only these, as PNG into a folder of your own
python docs/make_screenshots.py --scale 2 --to DIR main

Photos are the samples that ship, tagged by the model that ships. Evaluations and trainings are made
up, and say so. Nothing of the person's own profile is read or written.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
WIDTH, HEIGHT = 1280, 800
THEMES = ("light", "dark")

sys.path.insert(0, str(ROOT))


def main() -> int:
    arguments = _arguments()
    if arguments.theme:
        from screenshot_studio import take

        return take(arguments.theme, arguments.scenes, arguments.to, arguments.scale)
    for theme in THEMES:  # a process each: the theme is chosen at the start
        with tempfile.TemporaryDirectory() as profile:
            command = [sys.executable, __file__, *sys.argv[1:], "--theme", theme]
            subprocess.run(
                command, check=True, env=_environment(Path(profile), arguments.scale), cwd=ROOT
            )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", help="names of scenes; all of them by default")
    parser.add_argument("--to", type=lambda text: Path(text).resolve(), help="folder for PNG files")
    parser.add_argument("--scale", type=int, default=1, help="pixels for each one of a window")
    parser.add_argument("--theme", choices=THEMES, help=argparse.SUPPRESS)
    return parser.parse_args()


def _environment(profile: Path, scale: int) -> dict[str, str]:
    """A screen of the size of the pictures that nobody sees, and a profile that is thrown away."""
    screens = {
        "screens": [
            {
                "name": "screen",
                "x": 0,
                "y": 0,
                "width": WIDTH * scale,
                "height": HEIGHT * scale,
                "logicalDpi": 96,
                "logicalBaseDpi": 96,
                "dpr": 1,
            }
        ]
    }
    (profile / "screens.json").write_text(json.dumps(screens), encoding="utf-8")
    return {
        **os.environ,
        "CSRA_GUI_PROFILE": str(profile / "profile"),
        "CSRA_GUI_DATA": str(profile / "data"),
        "QT_QPA_PLATFORM": f"offscreen:configfile={profile / 'screens.json'}",
        "QT_QPA_FONTDIR": os.environ.get("QT_QPA_FONTDIR", "/usr/share/fonts"),
        "QT_SCALE_FACTOR": str(scale),
        "OMP_WAIT_POLICY": "PASSIVE",  # as the program itself has it
    }


if __name__ == "__main__":
    sys.exit(main())
