"""Make the README's pictures: the real window on the sample photos, light and dark.

python docs/make_screenshots.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1280, 800
PHOTO, CATEGORY = "cat.jpg", "cat"
TIMEOUT_MS = 180_000

sys.path.insert(0, str(ROOT))


def main() -> int:
    if len(sys.argv) == 2:
        return picture(sys.argv[1])
    IMAGES.mkdir(exist_ok=True)
    for theme in ("light", "dark"):  # a process each: the theme is chosen at the start
        with tempfile.TemporaryDirectory() as profile:
            environment = {**os.environ, "CSRA_GUI_PROFILE": profile}
            if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
                environment["QT_QPA_PLATFORM"] = "offscreen"
            command = [sys.executable, __file__, theme]
            subprocess.run(command, check=True, env=environment, cwd=ROOT)
    return 0


def picture(theme: str) -> int:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from csra_gui import settings as keys
    from csra_gui.app import Application
    from csra_gui.settings import Settings
    from engine.remote import RemoteEngine
    from engine.server import serve_local

    app = QApplication([])
    settings = Settings(Path(os.environ["CSRA_GUI_PROFILE"]) / "settings.ini")
    settings.set_value(keys.THEME, theme)
    application = Application(lambda: RemoteEngine(serve_local), settings)
    session = application.session
    failed = []

    def look() -> None:
        names = [path.name for path in session.photos.paths]
        session.set_current(names.index(PHOTO))
        assert session.model is not None
        session.set_pinned(session.model.categories.index_of(CATEGORY))
        wait_for_map()

    def wait_for_map() -> None:
        ready = session.current_evidence is not None and application.window.viewer.view.has_photo()
        QTimer.singleShot(500, grab if ready else wait_for_map)

    def grab() -> None:
        target = IMAGES / f"{theme}.png"
        if not application.window.grab().save(str(target)):
            failed.append(f"{target} could not be written")
        app.quit()

    def give_up() -> None:
        failed.append("the photos were not tagged in time")
        app.quit()

    session.tagging_finished.connect(lambda _: QTimer.singleShot(0, look))
    application.window.resize(WIDTH, HEIGHT)
    application.start([ROOT / "resources" / "samples"])
    application.window.resize(WIDTH, HEIGHT)
    QTimer.singleShot(TIMEOUT_MS, give_up)
    app.exec()
    application.shut_down()
    for message in failed:
        sys.stderr.write(message + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
