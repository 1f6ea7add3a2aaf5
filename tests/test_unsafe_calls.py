"""No file of strangers and no message becomes code: what could do that is not called, or listed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.paths import ROOT

#: Who may call what, and why.
ALLOWED = {
    ("engine/api/remote.py", "recv"): "questions of the program that started this process",
    ("engine/data/decoding/child.py", "recv"): "the work that the program gives its child",
    ("engine/data/decoding/worker.py", "recv"): "requests of the program that started it",
}
FOLDERS = ("engine", "csra_gui", "benchmarks", "docs", ".ci")
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
#: Of these modules nothing but the name of an error, or the reading of instructions, is used.
HARMLESS = {("pickle", "UnpicklingError"), ("pickletools", "genops")}
BUILTINS = {"eval", "exec", "compile", "__import__"}
#: Without any of these words there is nothing to look at, and looking takes long.
WORDS = re.compile(
    r"pickle|marshal|shelve|dill|joblib|torch\.(load|jit|package)|yaml|\.recv\(\)|ProcessPool"
    r"|(?<![\w.])(eval|exec|compile|__import__)\("
)
UNSAFE_YAML = {"load", "load_all", "full_load", "unsafe_load"}


def findings(tree: ast.AST) -> list[str]:
    """What in a module could make code of data, by a word for each."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            found += [name.name for name in node.names if (node.module, name.name) not in HARMLESS]
        elif isinstance(node, ast.Attribute):
            found += _of_attribute(node)
        elif isinstance(node, ast.Call):
            found += _of_call(node)
    return found


def _of_attribute(node: ast.Attribute) -> list[str]:
    owner = dotted(node.value)
    if owner in MODULES and (owner, node.attr) not in HARMLESS:
        return [f"{owner}.{node.attr}"]
    if owner == "torch" and node.attr in ("jit", "package"):
        return [f"torch.{node.attr}"]
    return []


def _of_call(node: ast.Call) -> list[str]:
    name = dotted(node.func)
    last = name.rpartition(".")[2]
    said = {word.arg: ast.unparse(word.value) for word in node.keywords}
    if name in BUILTINS:
        return [name]
    if last == "recv" and not node.args:  # of a Connection: it unpickles
        return ["recv"]
    if name == "torch.load" and said.get("weights_only") != "True":
        return ["torch.load"]
    if said.get("allow_pickle", "False") != "False":
        return ["allow_pickle"]
    if name.startswith("yaml.") and last in UNSAFE_YAML:
        return [name]
    return [last] if last in ("ProcessPoolExecutor", "read_pickle") else []


def dotted(node: ast.AST) -> str:
    """A name as it is written, "torch.jit.load"; of what is no name, only its attributes."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def files() -> list[Path]:
    return [
        *(file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))),
        ROOT / "main.py",
    ]


def test_nothing_makes_code_of_data_but_what_is_listed_with_its_reason() -> None:
    found = {
        (file.relative_to(ROOT).as_posix(), word)
        for file in files()
        if WORDS.search(text := file.read_text(encoding="utf-8"))
        for word in findings(ast.parse(text))
    }
    assert found == set(ALLOWED)
    assert all(ALLOWED.values())


@pytest.mark.parametrize(
    "code",
    [
        "pickle.load(file)",
        "pickle.Unpickler(file).load()",
        "from pickle import loads",
        "marshal.loads(data)",
        "eval(text)",
        "exec(text)",
        "torch.load(file)",
        "torch.load(file, weights_only=False)",
        "torch.jit.load(file)",
        "np.load(file, allow_pickle=True)",
        "np.load(file, allow_pickle=wanted)",
        "yaml.load(text)",
        "connection.recv()",
        "pandas.read_pickle(path)",
        "concurrent.futures.ProcessPoolExecutor()",
    ],
)
def test_what_is_looked_for_is_found(code: str) -> None:
    assert WORDS.search(code)
    assert findings(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "network.eval()",
        "torch.load(file, weights_only=True)",
        "np.load(file, allow_pickle=False)",
        "application.exec()",
        "socket.recv(100)",
        "connection.recv_bytes(100)",
        "pickle.UnpicklingError",
    ],
)
def test_what_is_harmless_is_left_alone(code: str) -> None:
    assert not findings(ast.parse(code))
