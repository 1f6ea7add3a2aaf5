"""A Ray cluster: reaching it, and having numbered tasks done in its actors, each once.

Ray Data has the queue, the pool and the back-pressure. A task is a number, and what comes back is
a few numbers, so the driver and the object store hold next to nothing; files are read and written
by the workers. A worker that dies takes its task with it: another round does what is missing.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import socket
import sys
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from engine.api.errors import ConfigError, DataError, EngineStoppedError
from engine.inference.onnx_backend import available_cores
from engine.texts import display_text

_log = logging.getLogger(__name__)
#: Starts a cluster on this machine, for as long as the work takes.
LOCAL = "local"
_HINT = (
    "Ray is not installed, so no cluster can be used. Install it on every machine with: "
    "pip install 'csra-gui[ray]'"
)
#: Nothing but numbers goes through it; Ray's own usual is a third of the memory.
_STORE_BYTES = 100 << 20
#: Each costs the driver some memory and time.
_MOST_BLOCKS = 2000
#: A machine that is busy takes long to start Ray's processes; they would give up after seconds.
_SLOW_STARTS = ("RAY_agent_register_timeout_ms",)
_START_MS = 120_000
#: Of a cluster on this machine, for the same reason.
_STARTS = 3
_HOST_PORT = re.compile(r"(ray://)?(?P<host>[^/]+):(?P<port>\d{1,5})")
_KNOCK_S = 10.0
#: So often nothing may come of a round before it is given up.
_MOST_FRUITLESS = 3
#: Ray Data tells of a lost task here, and of its cause.
_FAULTS_OF = "ray.data"
_REASON_LENGTH = 300


@dataclass(frozen=True)
class Workers:
    """How many workers, and what each gets.

    Args:
        count: 0 takes as many as the cluster has room for.
        cpus: cores of each, above 0; a fraction shares one.
        gpus: likewise; 0 runs models on the processor.
    """

    count: int = 0
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.count < 0 or not self.cpus > 0 or self.gpus < 0:
            raise ConfigError("A worker needs cores: more than 0, and no fewer than 0 GPUs.")


class Cluster:
    """A cluster that this process is connected to."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    def fitting(self, workers: Workers) -> Workers:
        """The same with a number of workers that there is room for.

        Raises:
            ConfigError: there is no room for one, or not for as many as are wanted.
        """
        have = self._ray.cluster_resources()
        room = int(have.get("CPU", 0.0) / workers.cpus + 1e-9)
        if workers.gpus:
            room = min(room, int(have.get("GPU", 0.0) / workers.gpus + 1e-9))
        wanted = workers.count or max(room, 1)
        if wanted > room:
            each = f"{workers.cpus:g} cores" + (f" and {workers.gpus:g} GPUs" * bool(workers.gpus))
            raise ConfigError(
                f"The cluster has {have.get('CPU', 0):g} cores and {have.get('GPU', 0):g} GPUs, "
                f"which is room for {room} workers of {each}, not for {wanted}. Ask for fewer or "
                "smaller ones."
            )
        return Workers(wanted, workers.cpus, workers.gpus)

    def put(self, content: bytes) -> Any:
        """Something that workers may ask for, each when it needs it."""
        return self._ray.put(content)

    def run(
        self, worker: type, arguments: tuple[object, ...], tasks: Sequence[int], workers: Workers
    ) -> Generator[dict[str, Any], None, None]:
        """Have tasks done, in any order; a value for each.

        Closing the generator stops the workers.

        Args:
            worker: made with ``arguments`` in each actor, then called with a batch: a dict with
                the numbers under "task"; it returns columns, also one "task".
            arguments: what can be pickled.
            tasks: numbers; a task that was done by a worker that died may be given again.
            workers: of ``fitting``.

        Raises:
            EngineStoppedError: the cluster is gone, or tasks are lost again and again.
        """
        left, fruitless = set(tasks), 0
        while left:
            before = len(left)
            with _faults() as faults:
                try:
                    rows = self._round(worker, arguments, sorted(left), workers)
                    with contextlib.closing(rows):
                        for row in rows:
                            if row["task"] in left:
                                left.discard(row["task"])
                                yield row
                except self._ray.exceptions.RayError as error:
                    faults.reason = _told(error)
                if not left:
                    return
            fruitless = fruitless + 1 if len(left) == before else 0
            _log.info("%d tasks were lost and are done again: %s", len(left), faults.reason)
            if fruitless == _MOST_FRUITLESS or not self._ray.is_initialized():
                raise EngineStoppedError(
                    f"The workers were lost {fruitless} times before any was done with its work: "
                    f"{faults.reason or 'nobody knows why'}. See to it that every machine of the "
                    "cluster has this program and enough memory, and give the command again; "
                    "what is done is kept."
                )

    def _round(
        self, worker: type, arguments: tuple[object, ...], tasks: Sequence[int], workers: Workers
    ) -> Generator[dict[str, Any], None, None]:
        data = importlib.import_module("ray.data")
        # Read tasks would want cores of their own beside the workers; these rows lie there already.
        items = [{"task": task} for task in tasks]
        rows = data.from_items(items, override_num_blocks=min(len(items), _MOST_BLOCKS))
        with warnings.catch_warnings():
            # What says so has no other name yet. A worker that died is started again, but its task
            # fails: it would wait for ever if there is no room left for the worker.
            warnings.simplefilter("ignore")
            found = rows.map_batches(
                worker,
                fn_constructor_args=arguments,
                batch_size=1,
                compute=data.ActorPoolStrategy(
                    size=min(workers.count, len(items)), max_tasks_in_flight_per_actor=1
                ),
                num_cpus=workers.cpus,
                num_gpus=workers.gpus or None,
                max_restarts=-1,
                max_task_retries=0,
            )
            yield from found.iter_rows()


@contextlib.contextmanager
def connected(address: str) -> Generator[Cluster, None, None]:
    """A cluster, until the block ends; one that was started for it ends, too.

    What is printed meanwhile goes to the standard error.

    Args:
        address: ``local`` for one on this machine alone, else as Ray knows addresses: HOST:PORT,
            ``auto`` or ``ray://HOST:PORT``.

    Raises:
        DataError: Ray is not installed.
        EngineStoppedError: there is no such cluster, or none can be started.
    """
    ray = _ray()
    for attempt in range(_STARTS, 0, -1):
        try:
            _reach(ray, address)
            break
        except Exception as error:  # those of Ray have no class in common
            ray.shutdown()
            if address == LOCAL and attempt > 1:
                _log.info("Ray did not start: %s", error)
                continue
            remedy = (
                "The machine may be too busy; give the command again."
                if address == LOCAL
                else "Start one with ray start --head, name its HOST:PORT, or use --ray local."
            )
            raise EngineStoppedError(
                f"The cluster {display_text(address)!r} cannot be reached: {_told(error)}. {remedy}"
            ) from error
    try:
        _be_quiet()
        # Ray prints there what became of workers, at any time; results are for programs to read.
        with contextlib.redirect_stdout(sys.stderr):
            yield Cluster(ray)
    finally:
        ray.shutdown()


def _reach(ray: Any, address: str) -> None:
    common = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if address != LOCAL:
        _knock(address)
        ray.init(address, **common)
        return
    ray.init(
        LOCAL,
        num_cpus=available_cores(),
        object_store_memory=_STORE_BYTES,
        include_dashboard=False,
        **common,
    )


def _knock(address: str) -> None:
    """See whether anybody is there: Ray itself tries for minutes, and writes about it.

    Raises:
        OSError: nobody is.
    """
    if (found := _HOST_PORT.fullmatch(address)) is not None:
        host, port = found["host"].strip("[]"), int(found["port"])
        socket.create_connection((host, min(port, 65_535)), _KNOCK_S).close()


def _ray() -> Any:
    # Read when Ray is imported. Nothing is told to anybody outside.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it would write beside our messages
    for name in _SLOW_STARTS:
        os.environ.setdefault(name, str(_START_MS))
    try:
        importlib.import_module("ray.data")
        return importlib.import_module("ray")
    except ImportError as error:
        raise DataError(_HINT) from error


def _be_quiet() -> None:
    context = importlib.import_module("ray.data").DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # a lost task is no reason to stop the others
    logging.getLogger(_FAULTS_OF).setLevel(logging.ERROR)


class _Faults(logging.Handler):
    """Keeps why the last task was lost, in place of traces on the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self.reason = _told(error)


@contextlib.contextmanager
def _faults() -> Generator[_Faults, None, None]:
    logger, faults = logging.getLogger(_FAULTS_OF), _Faults()
    others, passes = list(logger.handlers), logger.propagate
    logger.handlers, logger.propagate = [faults], False
    try:
        yield faults
    finally:
        logger.handlers, logger.propagate = others, passes


def _told(error: BaseException) -> str:
    """The cause of an error in a line."""
    cause = getattr(error, "cause", None)
    text = str(cause if isinstance(cause, BaseException) else error).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # Of a trace the last line says what it was; of Ray's own messages the first.
    line = lines[-1] if lines and lines[0].startswith(("Traceback", "\x1b")) else "".join(lines[:1])
    return display_text(line).rstrip(".")[:_REASON_LENGTH] or type(error).__name__
