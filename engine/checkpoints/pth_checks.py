"""What is looked at in a .pth file before PyTorch may read it; nothing here runs or unpacks it.

PyTorch's own safe reading (``weights_only``) keeps code from running. It does not keep a small file
from filling the memory, so sizes are compared with the file first, and the list of what a pickle
may name is shorter here than PyTorch's: tensors and ordered dictionaries, and settings of a
training, for which something stands that does nothing (``pth_file``).
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from pathlib import PurePosixPath
from typing import BinaryIO

from engine.api.errors import CheckpointError
from engine.checkpoints.file_kinds import what_archive

ZIP_MAGIC = b"PK\x03\x04"
PICKLE_MAGIC = b"\x80"
_PROTOCOL = 2
_MAX_PICKLE = 4 * 2**20
_MAX_MEMBERS = 50_000
#: The record at the end of an archive, and the two that large archives have before it.
_END_SIZE, _END64_SIZE = 22, 56 + 20
_MAX_DIRECTORY = 16 * 2**20
#: Of the layout before 2020: the first thing in the file, then four more pickles.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PICKLES = 5
_DAMAGED = "it is damaged or was cut short. Download or export it again"

_STORAGES = {
    f"torch.{kind}Storage"
    for kind in ("Float", "Half", "Double", "BFloat16", "Long", "Int", "Short", "Char", "Byte")
} | {"torch.BoolStorage"}
_OF_WEIGHTS = _STORAGES | {
    "collections.OrderedDict",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch.nn.parameter.Parameter",
}
#: Settings saved beside weights, read as plain tables.
SETTING_TABLES = frozenset(
    {
        "lightning_fabric.utilities.data.AttributeDict",
        "lightning.fabric.utilities.data.AttributeDict",
        "lightning.pytorch.utilities.parsing.AttributeDict",
        "pytorch_lightning.utilities.parsing.AttributeDict",
        "yacs.config.CfgNode",
        "easydict.EasyDict",
        "addict.addict.Dict",
        "mmengine.config.config.ConfigDict",
        "mmcv.utils.config.ConfigDict",
    }
)
#: Settings, measures and places saved beside weights; nothing of them is made or called.
SETTING_VALUES = frozenset(
    {
        "argparse.Namespace",
        "types.SimpleNamespace",
        "mmengine.logging.history_buffer.HistoryBuffer",
        *(f"{home}.getattr" for home in ("__builtin__", "builtins")),
        *(
            f"{home}.{kind}"
            for home in ("pathlib", "pathlib._local")
            for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path")
        ),
        *(
            f"numpy.{home}.multiarray.{what}"
            for home in ("core", "_core")
            for what in ("scalar", "_reconstruct")
        ),
        "numpy.dtype",
        "numpy.ndarray",
        "datetime.datetime",
        "datetime.timedelta",
    }
)
_DTYPES = frozenset(
    f"torch.{kind}"
    for kind in ("float32", "float16", "bfloat16", "float64", "int64", "int32", "uint8", "bool")
)
#: In the name of what makes weights again that are no plain table of fractions → what they are.
_OTHER_WEIGHTS = {
    "_rebuild_qtensor": "quantized weights",
    "_rebuild_sparse": "sparse weights",
    "ShardedTensor": "parts of a model that is spread over several machines",
    "DTensor": "parts of a model that is spread over several machines",
}
#: Layers of a model are in the file, not their weights alone.
_MODULES = b"torch.nn.modules."
#: PyTorch's name for bytes in a pickle; with another encoding a short text can take hours.
_ENCODE = "_codecs.encode"
_SLOW_ENCODINGS = ("punycode", "idna")
_ALLOWED_GLOBALS = (
    _OF_WEIGHTS | SETTING_TABLES | SETTING_VALUES | _DTYPES | {_ENCODE, "torch.device"}
)
# They name or make objects in ways that no state dict needs.
_REFUSED_OPCODES = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"}


def check_archive(file: BinaryIO, size: int) -> None:
    """Refuse a zip archive that PyTorch would not have written.

    Args:
        file: the whole archive; where it stands afterwards is not defined.
        size: of the file in bytes.

    Raises:
        CheckpointError: parts are compressed, doubled, larger than the file, wrongly named,
            missing or damaged, or the pickle asks for more than weights. It says why, without the
            file's name.
    """
    _check_end(file, size)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(archive.infolist(), size)
            folder = archive.namelist()[0].split("/")[0]
            with archive.open(f"{folder}/data.pkl") as pickled:
                check_pickles(pickled.read(_MAX_PICKLE + 1), count=1)
            damaged = archive.testzip()
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, EOFError) as error:
        raise CheckpointError(_DAMAGED) from error
    if damaged is not None:
        raise CheckpointError(f"{damaged!r} in it does not match its checksum, so {_DAMAGED}")


def check_pickles(data: bytes, count: int) -> None:
    """Refuse pickles that name anything but tensors and dictionaries, without running them.

    Args:
        data: begins with the pickles; at most a few megabytes of it are looked at.
        count: how many follow one another.

    Raises:
        CheckpointError: it says what they name, or that they are damaged.
    """
    stream = io.BytesIO(data[:_MAX_PICKLE])
    try:
        for _ in range(count):
            for opcode, argument, _position in pickletools.genops(stream):
                if opcode.name == "GLOBAL":
                    _check_global(str(argument), data)
                elif opcode.name == "BINUNICODE" and _is_slow_encoding(str(argument)):
                    raise CheckpointError(_whole_object(f"the encoding {argument!r}"))
                elif opcode.name == "PROTO" and argument != _PROTOCOL:
                    raise CheckpointError(
                        f"it was saved with pickle protocol {argument}, which PyTorch does not "
                        "read safely, or it is damaged. Save it again with PyTorch's own setting"
                    )
                elif opcode.name in _REFUSED_OPCODES:
                    raise CheckpointError(_whole_object("an object"))
    except (ValueError, OverflowError, IndexError) as error:
        too_long = len(data) > _MAX_PICKLE
        reason = "its table of contents is too long" if too_long else _DAMAGED
        raise CheckpointError(reason) from error


def check_legacy(file: BinaryIO) -> None:
    """Refuse a file that is not of the layout before 2020, or asks for more than weights.

    Raises:
        CheckpointError: it says why, without the file's name.
    """
    file.seek(0)
    data = file.read(_MAX_PICKLE + 1)
    try:
        first = [argument for _opcode, argument, _ in pickletools.genops(data)][1]
    except (ValueError, OverflowError, IndexError) as error:
        raise CheckpointError(_DAMAGED) from error
    if first != _LEGACY_MAGIC:
        check_pickles(data, count=1)  # its reason is the better one, if it has one
        raise CheckpointError("it holds Python data, but no weights as PyTorch saves them")
    check_pickles(data, count=_LEGACY_PICKLES)


def _check_end(file: BinaryIO, size: int) -> None:
    """The list of parts must be the last thing in the file, and small enough to be read.

    An archive with something before or behind it can look different to two readers.
    """
    file.seek(max(0, size - _END64_SIZE - _END_SIZE))
    tail = file.read()
    end = tail[-_END_SIZE:]
    if len(end) < _END_SIZE or not end.startswith(b"PK\x05\x06") or end[20:] != b"\0\0":
        raise CheckpointError(_DAMAGED)
    length, start = int.from_bytes(end[12:16], "little"), int.from_bytes(end[16:20], "little")
    after = _END_SIZE
    if tail.startswith(b"PK\x06\x06"):
        # PyTorch writes the record for large archives as well; it must say the same.
        after += _END64_SIZE
        if tail[40:56] != length.to_bytes(8, "little") + start.to_bytes(8, "little"):
            raise CheckpointError(_DAMAGED)
    if length > _MAX_DIRECTORY or start + length + after != size:
        raise CheckpointError(_DAMAGED)


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = [member.filename for member in members]
    if not members or len(members) > _MAX_MEMBERS:
        raise CheckpointError(f"it has {len(members)} parts")
    if len(set(names)) != len(names):
        raise CheckpointError("it has several parts of one name")
    folders = {PurePosixPath(name).parts[:1] for name in names}
    if any(".." in PurePosixPath(name).parts or "\\" in name for name in names):
        raise CheckpointError("a part of it names a place outside the file")
    if other := what_archive(names):
        raise CheckpointError(other)
    if len(folders) != 1:
        raise CheckpointError("its parts do not belong together")
    if any(m.compress_type != zipfile.ZIP_STORED or m.flag_bits & 1 for m in members):
        raise CheckpointError("its parts are compressed or encrypted, which PyTorch never does")
    if sum(member.file_size for member in members) > size:
        raise CheckpointError("its parts claim to be larger than the whole file")


def _is_slow_encoding(text: str) -> bool:
    plain = "".join(filter(str.isalnum, text[:100])).lower()
    return plain in _SLOW_ENCODINGS


def _check_global(argument: str, data: bytes) -> None:
    name = argument.replace(" ", ".", 1)
    if name.startswith("torch.") and name.endswith("Storage") and name not in _STORAGES:
        kind = name.removeprefix("torch.").removesuffix("Storage")
        raise CheckpointError(f"it holds numbers of type {kind[:40]}, not fractions")
    if name in _ALLOWED_GLOBALS:
        return
    for part, what in _OTHER_WEIGHTS.items():
        if part in name:
            raise CheckpointError(f"it holds {what}. Save the weights as plain fractions")
    last = name.rpartition(".")[2]
    if last[:1].isupper() and _MODULES in data:
        raise CheckpointError(
            f"it is a whole model of the class {name[:80]!r}, and such a file can run code. Save "
            "the weights alone where it was made: torch.save(model.state_dict(), …)"
        )
    raise CheckpointError(_whole_object(repr(name[:80])))


def _whole_object(what: str) -> str:
    return (
        f"besides weights it holds {what}, and such a file can run code. Ask for the weights alone "
        "(torch.save(model.state_dict(), …))"
    )
