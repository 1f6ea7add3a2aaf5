import json
import math

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from engine.api.errors import ModelError
from engine.checkpoints.exporting import quiet
from engine.models.nanodet import STRIDE, NanoDet
from engine.models.nanodet_weights import load_nanodet

WIDTH, NUM_CLASSES, BOX_OUTPUTS = 4, 3, 2
HEIGHT_PX, WIDTH_PX = 2 * STRIDE, 3 * STRIDE
# What an interpreter of the published graph, which knows only its steps, says of `pixels()` with
# the weights of `made()`; widths, number of categories and sizes of maps in it are those above.
SCORES = [
    [[3.52578, 5.19701, 4.41323], [1.16846, 0.95168, 1.61842]],
    [[4.42411, 5.42245, 6.12606], [6.23831, 8.21544, 8.33302]],
    [[1.72536, 1.07751, 2.24114], [4.54361, 3.91098, 3.88247]],
]
# Of each level: the mean of its map times what grows from 0 to 2 over all its positions.
LEVELS = [
    [-1.52337, 1.23306, 1.22414],
    [0.11121, 5.527, 1.34773],
    [1.05462, -1.16907, -1.52448],
]


def pixels():
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX]
    rgb = np.stack([(x * 5 + y * 3) % 256, (x * y) % 256, (255 - x * 2 + y) % 256])
    return torch.from_numpy(rgb).float()[None] / 255


def made(shape, number):
    """Weights (k, k, D_in, D_out) or a bias that need no random numbers."""
    count = math.prod(shape)
    scale = 2 / math.sqrt(math.prod(shape[:3])) if len(shape) == 4 else 0.2
    values = scale * np.cos(0.37 * np.arange(count) ** 1.5 + number)
    return values.astype(np.float16).reshape(shape)


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def write_graph(folder):
    """A graph of TensorFlow.js with small made weights, its steps in no order."""
    nodes, entries, content = [], [], b""
    network = NanoDet(NUM_CLASSES, width=WIDTH)
    for number, module in enumerate(convolutions(network)):
        outputs, inputs, *kernel = module.weight.shape
        outputs += BOX_OUTPUTS if module in network.classifiers() else 0
        name = f"Call/convolution_{number}" if number else "Call/convolution"
        kernel_and_bias = [((*kernel, inputs, outputs), number), ((outputs,), number + 0.5)]
        for kind, (shape, phase) in zip(("kernel", "bias"), kernel_and_bias, strict=True):
            quantization = {"dtype": "float16", "original_dtype": "float32"}
            entries.append(
                {
                    "name": f"{kind}_{number}",
                    "shape": shape,
                    "dtype": "float32",
                    "quantization": quantization,
                }
            )
            content += made(shape, phase).tobytes()
        nodes.append({"op": "Conv2D", "name": name, "input": ["before", f"kernel_{number}"]})
        nodes.append({"op": "Add", "name": f"Add_{number}", "input": [name, f"bias_{number}"]})
    # Some tensors are whole numbers that no convolution uses.
    entries.append({"name": "sizes", "shape": [2], "dtype": "int32"})
    content += np.array([2, 3], np.int32).tobytes()
    (folder / "tiny.bin").write_bytes(content)
    graph = {
        "modelTopology": {"node": nodes[::-1]},
        "weightsManifest": [{"paths": ["tiny.bin"], "weights": entries}],
    }
    file = folder / "tiny.json"
    file.write_text(json.dumps(graph), encoding="utf-8")
    return file


def tiny(folder, **normalisation):
    network = NanoDet(NUM_CLASSES, width=WIDTH, **normalisation).eval()
    load_nanodet(network, write_graph(folder))
    return network


def test_it_says_what_the_published_graph_says(tmp_path):
    with torch.inference_mode():
        scores = tiny(tmp_path)(pixels())
    np.testing.assert_allclose(scores[0].numpy(), SCORES, atol=2e-5)


def test_each_level_says_what_the_published_graph_says(tmp_path):
    with torch.inference_mode():
        levels = tiny(tmp_path).level_scores(pixels())
    assert [level.shape[2:] for level in levels] == [(8, 12), (4, 6), (2, 3)]
    for level, expected in zip(levels, LEVELS, strict=True):
        ramp = torch.linspace(0, 2, level[0, 0].numel()).reshape(level.shape[2:])
        np.testing.assert_allclose((level * ramp).mean((0, 2, 3)).numpy(), expected, atol=2e-5)


def test_a_score_is_the_largest_of_its_square_at_all_levels(tmp_path):
    network = tiny(tmp_path)
    with torch.inference_mode():
        scores = network(pixels())[0]
        levels = network.level_scores(pixels())
    for row, column in np.ndindex(2, 3):
        squares = [
            level[0, :, row * n : (row + 1) * n, column * n : (column + 1) * n]
            for level, n in zip(levels, (4, 2, 1), strict=True)
        ]
        largest = torch.stack([square.amax((1, 2)) for square in squares]).amax(0)
        assert torch.equal(scores[:, row, column], largest)


def test_it_takes_images_as_another_network_has_them_normalised(tmp_path):
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)
    normalised = (pixels() - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    with torch.inference_mode():
        scores = tiny(tmp_path, mean=mean, std=std)(normalised)
    np.testing.assert_allclose(scores[0].numpy(), SCORES, atol=1e-4)


def test_the_published_network_has_34_convolutions_and_80_categories():
    network = NanoDet()
    assert len(convolutions(network)) == 34
    assert sum(parameter.numel() for parameter in network.parameters()) == 3_769_040
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 3, STRIDE, STRIDE)).shape == (1, 80, 1, 1)


@pytest.mark.slow
def test_as_onnx_it_says_the_same_for_other_batches_and_sizes(tmp_path):
    network = tiny(tmp_path)
    file = tmp_path / "tiny.onnx"
    sides = {2: STRIDE * torch.export.Dim("rows"), 3: STRIDE * torch.export.Dim("columns")}
    with quiet():
        torch.onnx.export(
            network,
            (pixels().repeat(2, 1, 1, 1),),
            file,
            dynamo=True,
            input_names=["images"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch"), **sides}},
            verbose=False,
        )
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    for shape in ((1, 3, HEIGHT_PX, WIDTH_PX), (3, 3, 4 * STRIDE, 2 * STRIDE)):
        images = torch.rand(shape, generator=generator)
        (found,) = session.run(None, {"images": images.numpy()})
        with torch.inference_mode():
            np.testing.assert_allclose(found, network(images).numpy(), atol=1e-4)


def test_a_graph_of_another_width_is_refused(tmp_path):
    file = write_graph(tmp_path)
    with pytest.raises(ModelError, match="has the shape"):
        load_nanodet(NanoDet(NUM_CLASSES, width=2 * WIDTH), file)


def test_a_graph_of_fewer_categories_is_refused(tmp_path):
    file = write_graph(tmp_path)
    with pytest.raises(ModelError, match="has the shape"):
        load_nanodet(NanoDet(80, width=WIDTH), file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text("{}"),
        lambda file: file.write_text("[1]"),
        lambda file: file.write_bytes(b"\xff\x00"),
        lambda file: file.with_suffix(".bin").unlink(),
        lambda file: file.with_suffix(".bin").write_bytes(bytes(100)),
    ],
    ids=["no graph", "empty", "a list", "no text", "no weights", "weights cut off"],
)
def test_a_damaged_graph_is_refused_with_its_name(tmp_path, damage):
    file = write_graph(tmp_path)
    damage(file)
    with pytest.raises(ModelError, match=r"tiny\.json"):
        load_nanodet(NanoDet(NUM_CLASSES, width=WIDTH), file)


def test_a_graph_cannot_name_weights_in_another_folder(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    file = write_graph(inner)
    (inner / "tiny.bin").rename(tmp_path / "tiny.bin")
    file.write_text(file.read_text().replace('"tiny.bin"', '"../tiny.bin"'))
    with pytest.raises(ModelError, match=r"tiny\.json"):
        load_nanodet(NanoDet(NUM_CLASSES, width=WIDTH), file)


def test_a_graph_with_other_steps_is_refused(tmp_path):
    file = write_graph(tmp_path)
    graph = json.loads(file.read_text())
    del graph["modelTopology"]["node"][:2]
    file.write_text(json.dumps(graph))
    with pytest.raises(ModelError, match="33 convolutions"):
        load_nanodet(NanoDet(NUM_CLASSES, width=WIDTH), file)
