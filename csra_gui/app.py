"""Puts the application together and runs it."""

from __future__ import annotations

import logging
import logging.handlers
import os
import platform
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType

from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimer, Signal, Slot, qVersion
from PySide6.QtWidgets import QApplication, QDialog
from typing_extensions import override

from csra_gui.base import settings as keys
from csra_gui.base.engine_client import EngineFactory
from csra_gui.base.garbage import GarbageCollector
from csra_gui.base.paths import (
    LOG_NAME,
    feature_folder,
    keep_others_out,
    library_file,
    own_folders,
    profile_dirs,
)
from csra_gui.base.settings import Settings
from csra_gui.base.settings_litter import sweep_settings
from csra_gui.base.theme import Theme, apply_theme
from csra_gui.browse.decode_queue import ImageDecoder
from csra_gui.browse.full_screen import FullScreen
from csra_gui.main_window import MainWindow
from csra_gui.models.manager import Downloader, ModelManager
from csra_gui.session.session import Session
from csra_gui.startup.handover import Handover, HandoverServer
from csra_gui.startup.instance import Instance
from csra_gui.startup.qt_application import qt_application
from csra_gui.widgets.windows import bring_up
from engine.data.decoding.pool import DecodePool
from engine.downloads.download import download
from engine.records.litter import sweep
from engine.records.models import default_store
from engine.texts import without_home

_log = logging.getLogger(__name__)

_LOG_BYTES = 1_000_000
_SHUT_DOWN_S = 4.0
#: Starts that come so soon after another belong to it.
_GATHER_MS = 3000
#: A step of a training may take seconds, and then its state is written.
_SAVE_TRAINING_S = 15.0


def run(
    engine_factory: EngineFactory,
    folders: Sequence[Path],
    *,
    samples: Path | None = None,
    trainer_factory: EngineFactory | None = None,
    instance: Instance | None = None,
) -> int:
    """Show the window and return the exit status when it is closed.

    Args:
        engine_factory: makes the engine; called in a worker once the window is there.
        folders: files and folders to open; none means what was open last.
        samples: the folder of sample photos, if there is one.
        trainer_factory: makes the engine of each training, so that the first one stays free; the
            same as the first one's if ``None``.
        instance: the place of the window, which this program has; ``None`` for one of its own, on
            the usual library, which nobody else can call.
    """
    signals = _SignalBridge()
    for folder in own_folders():
        keep_others_out(folder)
    log_handler = _start_logging(profile_dirs()[1])
    settings = Settings.of_library(library_file() if instance is None else instance.library)
    app = qt_application(settings)
    garbage = GarbageCollector()
    server = None if instance is None else HandoverServer(instance)  # whoever calls now waits
    application = Application(engine_factory, settings, samples, trainer_factory=trainer_factory)
    faults = FaultReporter(application.window.notifier.report_bug)
    faults.install()
    try:
        application.start(folders, is_alone=instance is None or instance.is_alone())
        signals.set_close(application.window.closing.close_without_asking)
        if server is not None:
            server.handed_over.connect(application.take)
            QTimer.singleShot(0, server.serve)  # after the folders of this start
        return app.exec()
    finally:
        if server is not None:
            server.close()
        is_over = application.shut_down()
        signals.close()
        faults.uninstall()
        logging.getLogger().removeHandler(log_handler)
        log_handler.close()
        if is_over:  # else a thread that a disk holds up may be here until the end
            garbage.close()
        if instance is not None:
            instance.release()


class Application(QObject):
    """The window and everything behind it, made in the right order and ended in the reverse one."""

    def __init__(
        self,
        engine_factory: EngineFactory,
        settings: Settings,
        samples: Path | None = None,
        decoder: ImageDecoder | None = None,
        downloader: Downloader = download,
        trainer_factory: EngineFactory | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._handed_over: tuple[Path, ...] = ()
        # A file manager that starts the program once for each chosen photo means all of them.
        self._gathering = QTimer(self, singleShot=True, interval=_GATHER_MS)
        self._apply_theme()
        settings.setParent(self)
        settings.setting_changed.connect(self._on_settings_changed)
        self.decoder = decoder if decoder is not None else DecodePool(newest_first=True)
        self.session = Session(engine_factory, settings, self)
        self.manager = ModelManager(
            self.session.engine, self.session.jobs, default_store(), downloader, self
        )
        self.window = MainWindow(
            self.session,
            self.manager,
            settings,
            self.decoder,
            samples,
            trainer_factory or engine_factory,
        )

    def start(self, folders: Sequence[Path], *, is_alone: bool = True) -> None:
        """Show the window; once it is there, open the photos and load the model.

        Args:
            folders: files and folders to open; none means what was open last.
            is_alone: whether no other window is open, so that unfinished work is nobody's.
        """
        self.window.show()
        QTimer.singleShot(0, self, lambda: self._begin(list(folders), is_alone))

    @Slot(object)
    def take(self, handover: Handover) -> None:
        """Come to the front, and open what a second start was given."""
        if handover.token:
            os.environ["XDG_ACTIVATION_TOKEN"] = handover.token  # Qt reads it there, on Wayland
        bring_up(self.window.findChild(FullScreen) or self.window)
        if self._gathering.isActive():
            self._handed_over += handover.paths
        else:
            self._handed_over = handover.paths or self._handed_over
        self._open_handed_over()

    @Slot()
    def _open_handed_over(self) -> None:
        """Open the photos, but not below a question about those that are open."""
        question = QApplication.activeModalWidget()
        if isinstance(question, QDialog):
            bring_up(question)
            question.finished.connect(self._open_handed_over, Qt.ConnectionType.QueuedConnection)
        elif self._handed_over:
            paths, self._handed_over = list(self._handed_over), ()
            opener = self.window.browse.opener
            (opener.add if self._gathering.isActive() else opener.open)(paths)
            self._gathering.start()
            bring_up(self.window)

    def shut_down(self) -> bool:
        """End all work; ``False`` if something would not end in time."""
        self.window.browse.watch.close()
        ended = self.window.training.shut_down(_SAVE_TRAINING_S)
        ended &= self.session.shut_down(_SHUT_DOWN_S)
        self.window.browse.close()
        self.decoder.close()
        return ended

    def _begin(self, folders: list[Path], is_alone: bool) -> None:
        folders = [Path(os.path.abspath(folder)) for folder in folders]  # noqa: PTH100 - keeps links
        if folders:
            self._gathering.start()
        elif self.settings.value(keys.REOPEN_LAST):
            folders = self.settings.last_opened
        self.session.library.open()
        if folders:
            self.window.browse.opener.open(folders)
        self.session.models.start()
        self.session.jobs.run(self._sweep, "sweep")
        if is_alone:
            self.window.evaluation.look_for_unfinished()
            self.window.training.look_for_interrupted()

    def _sweep(self) -> int:
        return sweep([feature_folder()]) + sweep_settings(Path(self.settings.file.fileName()))

    def _apply_theme(self) -> None:
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, Theme(self.settings.value(keys.THEME)))

    @Slot(str, object)
    def _on_settings_changed(self, key: str, _value: object) -> None:
        if key == keys.THEME.key:
            self._apply_theme()


class FaultReporter(QObject):
    """The road of a bug: into the log with its traceback, and before the person as plain text.

    That text is there to be sent to others, so it names no home folder.

    Exceptions arrive from any thread; the report is made in the GUI thread.
    """

    _caught = Signal(str)

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__()
        self._caught.connect(report, Qt.ConnectionType.QueuedConnection)
        self._old_hook = sys.excepthook
        self._old_thread_hook = threading.excepthook

    def install(self) -> None:
        """Catch what nobody else catches."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def uninstall(self) -> None:
        """Leave everything as it was."""
        sys.excepthook = self._old_hook
        threading.excepthook = self._old_thread_hook

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._old_hook(kind, error, trace)
            return
        _log.critical("A fault in the program", exc_info=(kind, error, trace))
        text = without_home("".join(traceback.format_exception(kind, error, trace)))
        with suppress(RuntimeError):  # after the end there is no window to show it in
            self._caught.emit(f"{versions()}\n\n{text}")

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)


class _SignalBridge(QObject):
    """Lets Ctrl-C and a polite kill close the window, though Qt waits in its own loop."""

    def __init__(self) -> None:
        super().__init__()
        self._close: Callable[[], object] | None = None
        self._is_asked = False
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._reader.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._writer.fileno())
        self._old = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        self._notifier: QSocketNotifier | None = None

    def set_close(self, close: Callable[[], object]) -> None:
        """Close so from now on; at once if it was asked while the window was being made."""
        self._close = close
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_notifier_activated)
        if self._is_asked:
            QTimer.singleShot(0, self, close)

    def close(self) -> None:
        """Give the signals back."""
        if self._notifier is not None:
            self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._old_fd)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    @Slot()
    def _on_notifier_activated(self) -> None:
        # Reading is all there is to do: Python runs the handler as soon as it is back.
        with suppress(BlockingIOError):
            self._reader.recv(64)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._is_asked = True
        if self._close is not None:
            self._close()


def versions() -> str:
    """What runs here, for a fault report: no paths, no names."""
    return (
        f"Python {platform.python_version()}, Qt {qVersion()}, "
        f"{platform.system()} {platform.machine()}"
    )


def _start_logging(folder: Path) -> logging.Handler:
    """Log to a file that only its owner can read, and that does not grow for ever."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    handler: logging.Handler
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = _PrivateLog(
            folder / LOG_NAME, maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8"
        )
    except OSError:
        handler = logging.StreamHandler()
        handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    return handler


class _PrivateLog(logging.handlers.RotatingFileHandler):
    """Every file it opens is readable by its owner alone, from its first byte.

    What a full disk does not take is left out, without a word: there is no better place for it.
    """

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)
        if self.stream is not None and self.stream.closed:  # so the next record opens it again
            self.stream = None

    @override
    def close(self) -> None:
        with suppress(OSError):
            super().close()

    def _open(self):  # type: ignore[no-untyped-def]  # the base class's type is not public
        file = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(file, "a", encoding=self.encoding, errors="backslashreplace")
