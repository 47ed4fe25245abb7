"""A file of weights is loaded as it was written, or refused with the name of what is wrong."""

import json
import re
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from geokit import pretrained

NAME = "random-cnn"
SOUND = load_file(pretrained.ASSETS / f"{NAME}.safetensors")
ABOUT = {"about": json.dumps({"name": NAME})}
WEIGHT, BIAS = "model.first.weight", "model.first.bias"


def write(folder: Path, tensors: dict, metadata: dict | None = ABOUT) -> None:
    tensors = {key: value.clone().contiguous() for key, value in tensors.items()}  # not shared
    save_file(tensors, folder / f"{NAME}.safetensors", metadata=metadata)


def without(*names: str) -> dict:
    return {key: value for key, value in SOUND.items() if key not in names}


def spoilt(name: str, value: float) -> dict:
    tensor = SOUND[name].clone()
    tensor.view(-1)[-1] = value
    return SOUND | {name: tensor}


CODES, INT = SOUND["codes"], torch.arange(500)


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        (without(WEIGHT, BIAS), f"it lacks {BIAS}, {WEIGHT}"),
        (without("codes"), "it lacks codes"),
        (SOUND | {"model.b": INT, "a": INT}, "it has a, model.b too, which the model has not"),
        ({**without(BIAS), "first.bias": SOUND[BIAS]}, f"it lacks {BIAS}"),
        (SOUND | {BIAS: SOUND[BIAS][:-1]}, f"{BIAS} is float32 (511,), not floating"),
        (SOUND | {BIAS: SOUND[BIAS][None]}, f"{BIAS} is float32 (1, 512), not floating"),
        (SOUND | {WEIGHT: SOUND[WEIGHT].mT}, f"{WEIGHT} is float32 (32, 512), not"),
        (SOUND | {BIAS: SOUND[BIAS].to(torch.int32)}, f"{BIAS} is int32 (512,), not floating"),
        (SOUND | {BIAS: SOUND[BIAS].double()}, f"{BIAS} is float64 (512,), not floating"),
        (SOUND | {BIAS: SOUND[BIAS].to(torch.complex64)}, f"{BIAS} is complex64 (512,), not"),
        (spoilt(WEIGHT, float("nan")), f"{WEIGHT} holds NaN or infinity"),
        (spoilt(BIAS, float("-inf")), f"{BIAS} holds NaN or infinity"),
        (spoilt("codes", float("nan")), "codes holds NaN or infinity"),
        (SOUND | {"codes": CODES[:, :-1]}, "codes have 31 coordinates, which the model"),
        (SOUND | {"codes": CODES[0]}, "codes are float32 (32,), not float32 with two"),
        (SOUND | {"codes": torch.tensor(1.0)}, "codes are float32 (), not float32 with two axes"),
        (SOUND | {"codes": CODES.double()}, "codes are float64 (500, 32), not float32 with two"),
        (SOUND | {"labels": INT[:-1]}, "labels are int64 (499,), not int64 (500,) as"),
        (SOUND | {"labels": INT[:, None]}, "labels are int64 (500, 1), not int64 (500,)"),
        (SOUND | {"labels": INT.float()}, "labels are float32 (500,), not int64 (500,)"),
    ],
)
def test_tensors_that_are_not_the_models_are_named(tmp_path, tensors, reason):
    """Missing, extra, misshapen, of another type, not finite: which one, how, and what to do."""
    write(tmp_path, tensors)
    sentence = re.escape(f"({reason}")
    with pytest.raises(
        ValueError, match=f"{NAME}.safetensors cannot be read .*{sentence}"
    ) as caught:
        pretrained.load(NAME, tmp_path)
    assert "install geokit again" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"about": ""},
        {"about": "{"},
        {"about": "[1]"},
        {"about": "{}"},
        {"about": '{"name": "digits"}'},
        {"about": "[" * 100_000},
    ],
    ids=["none", "empty", "no JSON", "cut", "a list", "nameless", "another", "nested"],
)
def test_a_file_that_does_not_name_its_model_is_refused(tmp_path, metadata):
    """Two models with the same layers have the same tensors: the name tells them apart."""
    write(tmp_path, SOUND, metadata)
    with pytest.raises(ValueError, match=rf"{NAME}.safetensors cannot be read .*\(\S+.*\)"):
        pretrained.load(NAME, tmp_path)


def test_the_smooth_model_does_not_pass_for_the_jagged_one(tmp_path):
    """Renamed by hand, it would fit: same layers, same codes, same labels in shape."""
    whole = (pretrained.ASSETS / "digits.safetensors").read_bytes()
    (tmp_path / "digits-jagged.safetensors").write_bytes(whole)
    with pytest.raises(ValueError, match="does not name 'digits-jagged'"):
        pretrained.load("digits-jagged", tmp_path)


@pytest.mark.parametrize("tensors", [SOUND, SOUND | {"labels": INT}], ids=["plain", "labels"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_sound_file_is_loaded_as_it_is(tmp_path, tensors, dtype):
    """Labels or none, weights in single or half precision: the model is float32."""
    weights = {key: value.to(dtype) for key, value in tensors.items() if key.startswith("model.")}
    write(tmp_path, tensors | weights)
    one = pretrained.load(NAME, tmp_path)
    for key, value in one.model.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, weights[f"model.{key}"].float())
    assert torch.equal(one.codes, CODES)
    assert (one.labels is None) == ("labels" not in tensors)


@settings(deadline=None)
@given(draw=st.data())
def test_a_file_with_changed_bytes_is_finite_or_refused(draw, tmp_path_factory):
    """Headers of any kind: a sentence with the file's name, or a model that computes numbers."""
    content = bytearray((pretrained.ASSETS / f"{NAME}.safetensors").read_bytes())
    header = struct.unpack("<Q", content[:8])[0]
    places = st.one_of(
        st.integers(0, 7), st.integers(0, header + 7), st.integers(0, len(content) - 1)
    )
    for place in draw.draw(st.lists(places, min_size=1, max_size=4)):
        content[place] = draw.draw(st.integers(0, 255))
    content = content[: draw.draw(st.sampled_from([None, None, 4, header, header + 8, -1]))]
    folder = tmp_path_factory.getbasetemp() / "changed"
    folder.mkdir(exist_ok=True)
    (folder / f"{NAME}.safetensors").write_bytes(content)
    loaded = model_or_refusal(folder)
    if isinstance(loaded, str):
        assert loaded.startswith(f"{NAME}.safetensors cannot be read")
        assert "\n" not in loaded
    else:
        assert all(value.isfinite().all() for value in loaded.model.state_dict().values())
        assert loaded.codes.isfinite().all()
        assert loaded.about["name"] == NAME


def model_or_refusal(folder: Path) -> pretrained.Pretrained | str:
    try:
        return pretrained.load(NAME, folder)
    except ValueError as refusal:
        return str(refusal)


def test_only_safetensors_are_read(tmp_path):
    """A pickle under the right name is refused, and what it would have run does not run."""

    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"model": Trap()}, tmp_path / f"{NAME}.safetensors")
    with pytest.raises(ValueError, match="cannot be read"):
        pretrained.load(NAME, tmp_path)
    assert not (tmp_path / "sprung").exists()
