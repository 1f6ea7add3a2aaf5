import json
import math

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from engine.api.config import HeadConfig
from engine.api.errors import CheckpointError, ConfigError, MissingFactsError, ModelError
from engine.api.onnx_network import PIXEL_SCALES, OnnxFacts, PixelScale
from engine.api.values import ModelImport, ThresholdsForModel
from engine.checkpoints.loading import open_checkpoint
from engine.explain.evidence import logits, sigmoid
from engine.inference import onnx_network
from engine.records.model_record import from_metadata
from engine.records.models import default_store
from engine.records.safetensors_header import read_header
from engine.service.local import LocalEngine
from tests.engine.onnx_files import expected_logits, write_names, write_tagger
from tests.engine.tiny_models import rewrite

PLAIN = OnnxFacts(PIXEL_SCALES["0..1"])


@pytest.fixture
def engine():
    engine = LocalEngine("cpu", num_workers=1)
    yield engine
    engine.close()


@pytest.fixture
def names(tmp_path):
    return write_names(tmp_path / "names.txt")


@pytest.fixture
def photo(tmp_path):
    """A photo of 32 by 32 pixels, so that none is changed on the way, and the pixels."""
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    pixels[:, :, 0] //= 3
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path, pixels


def imported(engine, file, names, facts=PLAIN, **more):
    return engine.open_model(
        engine.import_model(ModelImport(file, onnx=facts, names=names, **more))
    )


def scores_of(engine, info, path):
    (found,) = engine.predict(info.id, [path])
    assert found.error is None
    return found.scores


def test_scores_are_those_of_the_network(engine, names, photo, tmp_path):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx"), names)
    assert (info.name, info.input_size, info.says_where, info.is_onnx) == (
        "tagger", 32, False, True,
    )  # fmt: skip
    assert tuple(info.categories) == ("red thing", "golden retriever", "^_^", "cat")
    expected = sigmoid(expected_logits(photo[1]))
    assert scores_of(engine, info, photo[0]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("form", "facts"),
    [
        ({"nhwc": True}, PLAIN),
        ({"batch": 1}, PLAIN),
        ({"batch": 3}, PLAIN),
        ({"pixels": TensorProto.FLOAT16}, PLAIN),
        ({}, OnnxFacts(PIXEL_SCALES["imagenet"])),
        ({}, OnnxFacts(PIXEL_SCALES["signed"])),
        ({"last": "Sigmoid"}, PLAIN),
    ],
)
def test_layouts_types_and_scales_come_out_the_same(engine, names, photo, tmp_path, form, facts):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx", **form), names, facts)
    expected = sigmoid(expected_logits(photo[1], facts.scale.mean, facts.scale.std))
    limit = 3e-3 if "pixels" in form else 1e-5
    assert scores_of(engine, info, photo[0]) == pytest.approx(expected, abs=limit)


def test_pixels_as_they_are_in_blue_green_red(engine, names, photo, tmp_path):
    wd = tmp_path / "selected_tags.csv"
    wd.write_text(
        "tag_id,name,category,count\n1,long_hair,0,5\n2,1girl,0,4\n3,o_o,0,3\n4,sky,0,1\n"
    )
    info = imported(engine, write_tagger(tmp_path / "wd.onnx", nhwc=True), wd, OnnxFacts())
    assert tuple(info.categories) == ("long hair", "1girl", "o_o", "sky")
    expected = sigmoid(expected_logits(photo[1][:, :, ::-1] * 255.0))
    assert scores_of(engine, info, photo[0]) == pytest.approx(expected, abs=1e-5)


def test_whole_numbers_need_no_scale(engine, names, photo, tmp_path):
    file = write_tagger(tmp_path / "tagger.onnx", pixels=TensorProto.UINT8)
    info = imported(engine, file, names, OnnxFacts())
    expected = sigmoid(expected_logits(photo[1] * 255.0))
    assert scores_of(engine, info, photo[0]) == pytest.approx(expected, abs=1e-5)


def test_one_label_per_photo_is_a_softmax(engine, names, photo, tmp_path):
    file = write_tagger(tmp_path / "tagger.onnx")
    info = imported(engine, file, names, OnnxFacts(PIXEL_SCALES["0..1"], "softmax"))
    powers = np.exp(expected_logits(photo[1]))
    assert info.activation == "softmax"
    assert scores_of(engine, info, photo[0]) == pytest.approx(powers / powers.sum(), abs=1e-5)


def test_without_position_scores_sums_are_right_and_there_is_no_where(
    engine, names, photo, tmp_path
):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx"), names)
    found = engine.explain(info.id, photo[0])
    assert not found.says_where
    assert logits(found) == pytest.approx(expected_logits(photo[1]), abs=1e-4)


@pytest.mark.parametrize("maps", ["mean", "four"])
def test_position_scores_that_add_up_are_maps(engine, names, photo, tmp_path, maps):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx", maps=maps), names)
    found = engine.explain(info.id, photo[0])
    assert (info.says_where, found.says_where, found.values.shape) == (True, True, (1, 4, 32, 32))
    assert info.lam == 0
    assert logits(found) == pytest.approx(expected_logits(photo[1]), abs=1e-4)


def test_position_scores_that_do_not_add_up_are_left_out(engine, names, tmp_path):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx", maps="wrong"), names)
    assert not info.says_where
    made = from_metadata(read_header(info.path).metadata).provenance
    assert "does not add up" in made["its maps"]


def test_what_nobody_says_is_asked_for_all_at_once(engine, tmp_path):
    file = write_tagger(tmp_path / "tagger.onnx", side="S")
    with pytest.raises(MissingFactsError) as asked:
        engine.import_model(ModelImport(file))
    assert asked.value.facts == ("pixels", "input size", "categories")
    assert asked.value.num_classes == 4
    assert "--pixels" in str(asked.value)
    assert default_store().models() == {}


def test_a_list_of_another_length_is_said_in_one_message(engine, tmp_path):
    few = write_names(tmp_path / "few.txt", ("a", "b"))
    with pytest.raises(MissingFactsError, match="2 names for the 4 categories"):
        imported(engine, write_tagger(tmp_path / "tagger.onnx"), few)


def test_settings_beside_the_file_are_believed(engine, photo, tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "size": {"height": 64}})
    )
    labels = {str(i): name for i, name in enumerate(("a", "b", "c", "d"))}
    (folder / "config.json").write_text(
        json.dumps({"id2label": labels, "problem_type": "multi_label_classification"})
    )
    info = imported(engine, write_tagger(folder / "tagger.onnx", side="S"), None, OnnxFacts())
    assert (info.input_size, tuple(info.categories)) == (64, ("a", "b", "c", "d"))
    expected = sigmoid(expected_logits(photo[1], (0.5,) * 3, (0.25,) * 3))
    assert scores_of(engine, info, photo[0]) == pytest.approx(expected, abs=0.05)  # enlarged


def test_of_several_outputs_one_is_named_or_fits_the_names(engine, names, tmp_path):
    embedding = helper.make_node("Concat", ["scores", "scores"], ["embedding"], axis=1)
    other = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, None)
    file = write_tagger(tmp_path / "two.onnx", steps=[embedding], outputs=[other])
    assert len(imported(engine, file, names).categories) == 4
    with pytest.raises(MissingFactsError) as asked:
        engine.import_model(ModelImport(file, onnx=PLAIN))
    assert (asked.value.facts, asked.value.outputs) == (
        ("output", "categories"), ("scores", "embedding"),
    )  # fmt: skip
    with pytest.raises(CheckpointError, match="no output 'nothing'"):
        engine.import_model(ModelImport(file, onnx=OnnxFacts(output="nothing"), names=names))


def test_it_is_one_file_whose_id_comes_from_its_content(engine, names, tmp_path):
    file = write_tagger(tmp_path / "tagger.onnx")
    first = imported(engine, file, names)
    again = imported(engine, file, names, name="again")
    other = imported(engine, file, names, OnnxFacts(PIXEL_SCALES["clip"]), name="other")
    assert first.id == again.id != other.id
    file.unlink()
    assert [path.name for path in default_store().remove("again")] == ["again.safetensors"]


def test_thresholds_are_kept_in_its_file(engine, names, photo, tmp_path):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx"), names)
    before = scores_of(engine, info, photo[0])
    engine.save_thresholds(ThresholdsForModel("tagger", {"cat": 0.125}, "a test"))
    after = engine.open_model("tagger")
    assert (after.id, after.thresholds) == (info.id, (0.5, 0.5, 0.5, 0.125))
    assert (scores_of(engine, after, photo[0]) == before).all()


def test_what_needs_a_network_of_ours_is_refused_in_a_sentence(engine, names, photo, tmp_path):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx"), names)
    for ask in (
        lambda: open_checkpoint(info.path),
        lambda: engine.export_formats("tagger"),
        lambda: engine.export_model("tagger", tmp_path / "out.onnx"),
    ):
        with pytest.raises(CheckpointError, match="imported from ONNX"):
            ask()
    with pytest.raises(ModelError, match="its own input size only, 32"):
        engine.explain(info.id, photo[0], input_size=64)


def test_weights_beside_it_come_along_and_none_from_elsewhere(engine, names, photo, tmp_path):
    model = onnx.load(write_tagger(tmp_path / "tagger.onnx"))
    folder = tmp_path / "split"
    folder.mkdir()
    onnx.save_model(
        model, folder / "split.onnx", save_as_external_data=True, location="w.bin", size_threshold=0
    )
    info = imported(engine, folder / "split.onnx", names)
    expected = sigmoid(expected_logits(photo[1]))
    (folder / "w.bin").rename(tmp_path / "w.bin")
    assert scores_of(engine, info, photo[0]) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(CheckpointError, match="which is not there"):
        imported(engine, folder / "split.onnx", names)
    split = onnx.load(folder / "split.onnx", load_external_data=False)
    for place in ("../w.bin", str(tmp_path / "w.bin"), "a\\..\\w.bin", "C:/w.bin"):
        for weights in split.graph.initializer:
            for entry in weights.external_data:
                if entry.key == "location":
                    entry.value = place
        (folder / "hostile.onnx").write_bytes(split.SerializeToString())
        with pytest.raises(CheckpointError, match="outside its folder"):
            imported(engine, folder / "hostile.onnx", names)
    (folder / "w.bin").symlink_to(tmp_path / "w.bin")
    with pytest.raises(CheckpointError, match="outside its folder"):
        imported(engine, folder / "split.onnx", names)


def test_steps_that_need_code_are_refused(engine, names, tmp_path):
    step = helper.make_node("Run", ["scores"], ["more"], domain="com.evil")
    hidden = helper.make_graph([step], "then", [], [helper.make_tensor_value_info("more", 1, None)])
    nested = helper.make_node("If", ["yes"], ["out"], then_branch=hidden, else_branch=hidden)
    for steps in ([step], [nested]):
        file = write_tagger(
            tmp_path / "evil.onnx", steps=steps, opsets=[helper.make_opsetid("com.evil", 1)]
        )
        with pytest.raises(CheckpointError, match=r"steps of 'com\.evil'"):
            imported(engine, file, names)


def test_damaged_files_give_one_message(engine, names, tmp_path):
    whole = write_tagger(tmp_path / "tagger.onnx").read_bytes()
    file = tmp_path / "damaged.onnx"
    generator = np.random.default_rng(0)
    for length in (0, 1, 7, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"damaged\.onnx"):
            imported(engine, file, names)
    for _ in range(60):
        changed = bytearray(whole)
        for place in generator.integers(0, len(whole), 8):
            changed[place] = generator.integers(0, 256)
        file.write_bytes(changed)
        try:
            engine.import_model(ModelImport(file, onnx=PLAIN, names=names))
        except (CheckpointError, ConfigError) as error:
            assert "\n" not in str(error)


def test_networks_that_see_no_picture_are_refused(engine, names, tmp_path):
    text = helper.make_tensor_value_info("text", TensorProto.INT64, ["N", 77])
    step = helper.make_node("Identity", ["text"], ["same"])
    file = write_tagger(tmp_path / "clip.onnx", inputs=[text], steps=[step])
    with pytest.raises(CheckpointError, match="2 inputs"):
        imported(engine, file, names)


def test_a_model_file_that_was_changed_is_refused(engine, names, tmp_path):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx"), names)
    changed = bytearray(info.path.read_bytes())
    changed[-9] ^= 1
    file = tmp_path / "changed.safetensors"
    file.write_bytes(changed)
    with pytest.raises(CheckpointError, match="does not match its checksum"):
        engine.open_model(str(file))


def test_a_model_file_may_not_reach_for_weights_elsewhere(engine, names, tmp_path):
    model = onnx.load(write_tagger(tmp_path / "tagger.onnx"))
    onnx.save_model(
        model, tmp_path / "s.onnx", save_as_external_data=True, location="w.bin", size_threshold=0
    )
    info = imported(engine, tmp_path / "tagger.onnx", names)
    record = from_metadata(read_header(info.path).metadata)
    file = tmp_path / "hostile.safetensors"
    onnx_network.write_network(file, (tmp_path / "s.onnx").read_bytes(), record)
    with pytest.raises(CheckpointError, match="another file"):
        engine.open_model(str(file))


def test_a_friend_s_model_file_can_be_imported_like_any(engine, names, photo, tmp_path):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx"), names)
    copy = tmp_path / "from a friend.safetensors"
    copy.write_bytes(info.path.read_bytes())
    again = engine.open_model(engine.import_model(ModelImport(copy)))
    assert (again.id, again.name) == (info.id, info.name)


def test_a_first_run_without_end_is_given_up(engine, names, tmp_path, monkeypatch):
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Mul", ["x", "x"], ["x_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x_on", TensorProto.FLOAT, ["N", 4]),
        ],
    )
    loop = helper.make_node("Loop", ["", "", "scores"], ["end"], body=body)
    end = helper.make_tensor_value_info("end", TensorProto.FLOAT, ["N", 4])
    file = write_tagger(tmp_path / "loop.onnx", steps=[loop], outputs=[end])
    monkeypatch.setattr(onnx_network, "_TRIAL_S", 0.2)
    with pytest.raises(CheckpointError, match="trial run"):
        imported(engine, file, names)


def test_values_that_are_no_numbers_reach_no_library(engine, names, photo, tmp_path):
    scale = PixelScale((0.0, -1.0, -1.0), (1.0, 1.0, 1.0))  # above 0 for noise, not for black
    file = write_tagger(tmp_path / "tagger.onnx", last="Sqrt")
    info = imported(engine, file, names, OnnxFacts(scale, "logits"))
    black = tmp_path / "black.png"
    Image.new("RGB", (32, 32)).save(black)
    with pytest.raises(ModelError, match="not numbers"):
        list(engine.predict(info.id, [black]))


def test_scores_have_one_of_three_forms():
    with pytest.raises(ConfigError):
        OnnxFacts(PixelScale((0, 0, 0), (1, 1, 1)), "nonsense")


def test_maps_with_attention_get_the_lam_that_adds_up():
    from engine.checkpoints.onnx_import import _fitting, _pooled

    scores = np.random.default_rng(0).normal(size=(2, 2, 5, 3, 3)).astype(np.float32)
    head = HeadConfig((1.0, math.inf), 0.3)
    found = _fitting(scores, _pooled(scores, head), HeadConfig((1.0,), 0.0), None)
    assert found is not None
    assert (found.temperatures, found.lam) == ((1.0, math.inf), pytest.approx(0.3))


def test_a_changed_form_does_not_pass_for_another(engine, names, tmp_path):
    info = imported(engine, write_tagger(tmp_path / "tagger.onnx"), names)
    network = json.loads(read_header(info.path).metadata["model"])["network"]
    rewrite(info.path, model={"network": {**network, "layout": "diagonal"}})
    with pytest.raises(CheckpointError, match="damaged"):
        engine.open_model("tagger")
