"""Hostile and broken model files through every door that a model file can come in by."""

import csv
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from engine import cli
from engine.api.categories import Categories
from engine.api.errors import CheckpointError, DataError
from engine.api.values import ModelImport
from engine.checkpoints.csra_import import ImportOptions, import_checkpoint, read_csra_checkpoint
from engine.checkpoints.loading import open_checkpoint
from engine.checkpoints.pth_file import read_pth
from engine.checkpoints.weights import load_exactly
from engine.resources import resource_path
from engine.service.local import LocalEngine
from engine.train.resume import StateFolder
from tests.engine.csra_checkpoints import resnet_state
from tests.engine.tiny_models import save_tiny_model
from tests.paths import ROOT, SHARED

PWNED = Path("/tmp/PWNED")
FOLDER = SHARED / "data" / "badmodels"
MANIFEST = FOLDER / "manifest.csv"


def manifest(long=()):
    """Each file and what should become of it; those that take long by night."""
    if not MANIFEST.exists():
        reason = "needs data/badmodels, which lies beside the project, not in it"
        return [pytest.param(None, None, marks=pytest.mark.skip(reason=reason))]
    with MANIFEST.open(encoding="utf-8") as file:
        rows = [(row["file"], row["expected"]) for row in csv.DictReader(file)]
    return [
        pytest.param(*row, id=row[0], marks=pytest.mark.slow if row[0] in long else ())
        for row in rows
    ]


@pytest.fixture(autouse=True)
def no_code_runs():
    PWNED.unlink(missing_ok=True)
    yield
    assert not PWNED.exists()


@pytest.fixture(scope="module")
def engine():
    engine = LocalEngine("cpu", num_workers=1)
    yield engine
    engine.close()


def one_line_with(name, text):
    assert Path(name).name in text
    assert "\n" not in text.strip()
    assert len(text) < 600
    assert "weights_only" not in text  # PyTorch's own advice is how to load the file unsafely


def reference_net():
    return nn.ModuleDict(
        {"conv": nn.Conv2d(3, 8, 3), "bn": nn.BatchNorm2d(8), "fc": nn.Linear(8, 5)}
    )


def open_as_reference_net(path):
    """The file into the little network that all of these files were made from."""
    file = read_csra_checkpoint(path)
    if file.categories is not None and len(file.categories) != 5:
        raise CheckpointError(f"{path.name!r} has the wrong number of categories.")
    load_exactly(path.name, reference_net(), file.tensors)


@pytest.mark.parametrize(("name", "expected"), manifest())
def test_the_reader_takes_what_is_good_and_refuses_the_rest(name, expected):
    if expected == "loads":
        open_as_reference_net(FOLDER / name)
        return
    try:
        open_as_reference_net(FOLDER / name)
    except CheckpointError as error:
        one_line_with(name, str(error))
    else:
        assert expected == "either"


@pytest.mark.parametrize(("name", "_expected"), manifest(long=("st_12000_empty.safetensors",)))
def test_none_of_them_is_a_model_by_any_door(name, _expected, engine, capsys):
    path = FOLDER / name
    options = ImportOptions(lam=0.1, categories=Categories(tuple("abcde")))
    dropped = ModelImport(path, lam=options.lam, categories=options.categories)
    doors = (
        open_checkpoint,
        lambda p: import_checkpoint(p, options),
        lambda p: engine.open_model(str(p)),
        lambda _: engine.import_model(dropped),  # what the window does with a dropped file
    )
    for door in doors:
        with pytest.raises(CheckpointError) as caught:
            door(path)
        one_line_with(name, str(caught.value))
    photo = str(resource_path("samples", "cat.jpg"))
    assert cli.run(["tag", photo, "--model", str(path), "--device", "cpu"]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    one_line_with(name, errors[0])


@pytest.mark.parametrize(("name", "_expected"), manifest())
def test_none_of_them_is_taken_for_the_state_of_a_training_run(name, _expected, tmp_path):
    data = (FOLDER / name).read_bytes()
    digest = hashlib.sha256(data).hexdigest()  # as one who knows the names would call it
    (tmp_path / f"state-000000001-{digest}.pt").write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        StateFolder(tmp_path).load()


@pytest.mark.parametrize("name", ["good.pth", "good.safetensors", "half_weights.pth"])
def test_good_weights_of_another_network_are_said_to_be_no_csra_network(name):
    if not FOLDER.exists():
        pytest.skip("needs data/badmodels, which lies beside the project, not in it")
    with pytest.raises(CheckpointError, match="these weights are not a CSRA network"):
        open_checkpoint(FOLDER / name)


_MEASURE = """
import resource, sys
from pathlib import Path
from engine.checkpoints.loading import open_checkpoint
from engine.api.errors import CheckpointError, DataError

def peak():
    status = Path("/proc/self/status")
    if status.exists():  # Linux counts the parent's memory into ru_maxrss
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

before = peak()
for name in sys.argv[1:]:
    try:
        open_checkpoint(Path(name))
    except CheckpointError:
        pass
    else:
        sys.exit(f"{name} was opened")
print(peak() - before)
"""


def memory_used_here(*paths):
    """MiB that opening these files adds to the most that this process has used."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of a process that runs can be measured again on Linux alone")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is what is used now
    before = status_mib("VmHWM")
    for path in paths:
        with pytest.raises(CheckpointError):
            open_checkpoint(path)
    return status_mib("VmHWM") - before


def status_mib(entry):
    """A number of what Linux says of this process."""
    return int(Path("/proc/self/status").read_text().split(f"{entry}:")[1].split()[0]) / 1024


def memory_used_apart(*paths):
    """MiB that opening these files adds to the peak of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def archive(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


APART = pytest.param(memory_used_apart, marks=pytest.mark.slow)


@pytest.mark.slow
@pytest.mark.parametrize("memory_used", [memory_used_here, APART])
def test_bombs_do_not_fill_the_memory(tmp_path, memory_used):
    all_of_them = memory_used is memory_used_apart
    bombs = [deflated_zeros(tmp_path / "deflated.pth")] if all_of_them else []
    expanded = torch.zeros(1).expand(20_000, 20_000)
    torch.save({"conv1.weight": expanded}, tmp_path / "stride.pth")
    shared = torch.zeros(1_000_000, dtype=torch.float16)  # each name would get a copy of its own
    torch.save({f"w{i}": shared for i in range(400)}, tmp_path / "alias.pth")
    torch.save(
        {f"w{i}": shared for i in range(400)},
        tmp_path / "old.pth",
        _use_new_zipfile_serialization=False,
    )
    deep = b"\x80\x02" + b"]" * 20_000_000 + b"."
    bombs += [tmp_path / n for n in ("stride.pth", "alias.pth", "old.pth")]
    bombs.append(archive(tmp_path / "deep.pth", [("archive/data.pkl", deep)]))
    huge = json.dumps(
        {"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    ).encode()
    (tmp_path / "huge.safetensors").write_bytes(len(huge).to_bytes(8, "little") + huge)
    bombs.append(tmp_path / "huge.safetensors")
    given = FOLDER / "zip_bomb_800MB.pth"
    bombs += [given, FOLDER / "stride_bomb.pth"] if all_of_them and given.exists() else []
    assert memory_used(*bombs) < 100


def deflated_zeros(path):
    """A file of 200 kB that unpacks to 200 MB."""
    zeros = io.BytesIO()
    torch.save({"conv1.weight": torch.zeros(50_000_000)}, zeros)
    with zipfile.ZipFile(zeros) as plain:
        members = [(i.filename, plain.read(i)) for i in plain.infolist()]
    return archive(path, members, zipfile.ZIP_DEFLATED)


@pytest.mark.slow
@pytest.mark.parametrize("memory_used", [memory_used_here, APART])
def test_a_few_bytes_that_describe_a_giant_network_do_not_make_it(tmp_path, memory_used):
    path = save_tiny_model(tmp_path / "giant.safetensors")
    with safetensors.safe_open(path, "pt") as file:
        metadata = dict(file.metadata())
    body = json.loads(metadata["model"])
    body["backbone"] = "timm:vit_giant_patch14_dinov2"
    body["preprocess"]["input_size"] = 518
    safetensors.torch.save_file(
        safetensors.torch.load_file(path), path, {**metadata, "model": json.dumps(body)}
    )
    assert memory_used(path) < 400
    with pytest.raises(CheckpointError, match="does not fit"):
        open_checkpoint(path)


class _Evil:
    """Pickled, it asks for a call that no weights need."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_code_is_named_in_every_pickle_protocol(protocol, tmp_path):
    path = tmp_path / "evil.pth"
    data = pickle.dumps({"w": _Evil(eval, "open('/tmp/PWNED', 'w')")}, protocol=protocol)
    archive(path, [("archive/data.pkl", data), ("archive/version", b"3\n")])
    with pytest.raises(
        CheckpointError, match=r"besides weights it holds|protocol|damaged"
    ) as caught:
        read_pth(path)
    one_line_with("evil.pth", str(caught.value))
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="cannot be used"):
        read_pth(path)


@pytest.mark.parametrize(
    "call",
    [(bytearray, 10**12), (torch.Tensor, 10**6, 10**6), (set, "ab"), (torch.Size, (1,))],
    ids=["bytearray", "Tensor", "set", "Size"],
)
def test_what_pytorch_would_call_but_no_weights_need_is_refused(call, tmp_path):
    path = tmp_path / "call.pth"
    data = pickle.dumps({"w": _Evil(*call)}, protocol=2)
    archive(path, [("archive/data.pkl", data), ("archive/version", b"3\n")])
    with pytest.raises(CheckpointError, match="besides weights it holds"):
        read_pth(path)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before-2020"])
def test_an_honest_training_checkpoint_is_read(legacy, tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.rand(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    content = {
        "state_dict": {**network.state_dict(), "0.weight": network[0].weight},  # a Parameter
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "best": 0.5,
    }
    torch.save(content, tmp_path / "c.pth", _use_new_zipfile_serialization=not legacy)
    tensors = read_pth(tmp_path / "c.pth").tensors
    assert "1.num_batches_tracked" not in tensors
    assert not tensors["0.weight"].requires_grad
    torch.testing.assert_close(tensors["0.weight"], network[0].weight.detach())
    torch.testing.assert_close(tensors["1.running_var"], network[1].running_var)


def test_an_archive_with_something_before_or_behind_it_is_refused(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"w": torch.zeros(3)}, path)
    data = path.read_bytes()
    read_pth(path)
    for other in (b"x" + data, data + b"x", data + data, b"PK\x03\x04" + data):
        path.write_bytes(other)
        with pytest.raises(CheckpointError):
            read_pth(path)


@pytest.mark.slow
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before-2020"])
def test_a_file_cut_anywhere_or_with_any_byte_changed_never_crashes(legacy, tmp_path):
    path = tmp_path / "net.pth"
    tensors = {"bn.running_var": torch.ones(9), "w": torch.arange(12.0)}
    torch.save(tensors, path, _use_new_zipfile_serialization=not legacy)
    data = path.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for position in torch.randint(len(data), (150,), generator=generator).tolist():
        for changed in (
            data[:position],
            data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :],
        ):
            path.write_bytes(changed)
            try:
                read_pth(path)
            except CheckpointError as error:
                one_line_with("net.pth", str(error))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"labels": ["a", "b"]}, "20 categories apart, but 2 names"),
        ({"labels": ["a"] * 20}, "listed twice"),
        ({"classes": [f"c{i}\u202e" for i in range(20)]}, "control characters"),
        ({"categories": ["x" * 100_000] * 20}, "at most"),
        ({"labels": [1] * 20}, "not a category name"),
        ({"format": 999}, "format version 999"),
        ({"format_version": 2}, "format version 2"),
    ],
)
def test_a_real_network_with_a_wrong_wrapping_is_refused(extra, message, tmp_path):
    path = tmp_path / "net_lam0.1.pth"
    torch.save({"state_dict": resnet_state(), **extra}, path)
    with pytest.raises(CheckpointError, match=message) as caught:
        open_checkpoint(path)
    one_line_with("net_lam0.1.pth", str(caught.value))


@pytest.mark.parametrize(
    "header",
    [
        b'{"x": {"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": [1e400], "data_offsets": [0, 4]}}',
        b'{"x": {"dtype": "F32", "shape": null, "data_offsets": [0, 4]}}',
        b'{"x": []}',
        b'{"__metadata__": []}',
        b"{" + b'"a":{' * 50_000,
    ],
)
def test_a_senseless_table_of_contents_is_refused(header, tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 4)
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    one_line_with("x.safetensors", str(caught.value))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("head", {"lam": 10**400}),
        ("head", {"temperatures": [10**400]}),
        ("head", {"activation": ["sigmoid"]}),
        ("preprocess", {"input_size": 10**9}),
        ("preprocess", {"input_size": 33}),
        ("preprocess", {"mean": "abc"}),
        ("preprocess", {"std": [0, 0, 0]}),
    ],
)
def test_a_senseless_description_in_our_own_format_is_refused_or_runs(part, value, tmp_path):
    path = save_tiny_model(tmp_path / "x.safetensors")
    with safetensors.safe_open(path, "pt") as file:
        metadata = dict(file.metadata())
    body = json.loads(metadata["model"])
    body[part].update(value)
    weights = safetensors.torch.load_file(path)
    safetensors.torch.save_file(weights, path, {**metadata, "model": json.dumps(body)})
    if value == {"input_size": 33}:  # odd, but this network can
        open_checkpoint(path)
        return
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_a_pipe_or_folder_is_no_model_and_nothing_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    for path in (tmp_path / "pipe.pth", tmp_path):
        with pytest.raises(CheckpointError, match="is not a file"):
            open_checkpoint(path)


def test_no_code_of_ours_loads_anything_unsafely():
    forbidden = ("weights_only=False", "jit.load", "allow_pickle=True", "pickle.load")
    # Whose members may lead anywhere; and what runs a text.
    forbidden += ("extractall", "unpack_archive", "tarfile", "shell=True", "os.system(")
    for file in [*(ROOT / "engine").rglob("*.py"), *(ROOT / "csra_gui").rglob("*.py")]:
        text = file.read_text(encoding="utf-8")
        assert not [word for word in forbidden if word in text], file
        for call in text.split("torch.load(")[1:]:
            arguments = call.partition(")")[0]
            assert "weights_only=True" in arguments and 'map_location="cpu"' in arguments, file
