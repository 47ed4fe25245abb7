"""Faces from a copy of one's own: cut, made small and kept; tried on pictures made on the spot."""

import hashlib
import os
import re
import struct
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save_file

from geokit import data
from geokit.data import celeba
from geokit.data.__main__ import main
from geokit.data.archives import Zip
from geokit.data.idx import read_idx

LIST = "list_eval_partition.txt"
SPLIT_OF = {"000001.jpg": 0, "000002.jpg": 2, "000003.jpg": 0, "000004.jpg": 1, "000005.jpg": 0}


def jpeg(pixels: np.ndarray) -> bytes:
    packed = BytesIO()
    Image.fromarray(pixels).save(packed, "JPEG", quality=100, subsampling=0)
    return packed.getvalue()


def ramp(seed: int) -> np.ndarray:
    """A picture of the official size, linear in both directions, another one for each seed."""
    y, x = np.mgrid[:218, :178]
    slopes = np.random.default_rng(seed).uniform(-0.5, 0.5, (3, 2))
    planes = [128 + a * (x - 88.5) + b * (y - 108.5) for a, b in slopes]
    return np.stack(planes, axis=-1).round().astype(np.uint8)


PICTURES = {name: jpeg(ramp(seed)) for seed, name in enumerate(SPLIT_OF)}


def listed(split_of: dict[str, int]) -> bytes:
    return "".join(f"{name} {split}\n" for name, split in split_of.items()).encode()


def is_one_sentence(error: Exception) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and ". " not in text


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """A tiny copy: the list and the folder of pictures, and an empty cache."""
    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("GEOKIT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "mine" / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    (folder / LIST).write_bytes(listed(SPLIT_OF))
    for name, picture in PICTURES.items():
        (folder / "img_align_celeba" / name).write_bytes(picture)
    return folder


def zipped(own: Path) -> Path:
    """The copy's folder turned into the official archive."""
    path = own / "img_align_celeba.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in SPLIT_OF:
            picture = own / "img_align_celeba" / name
            archive.write(picture, f"img_align_celeba/{name}")
            picture.unlink()
    (own / "img_align_celeba").rmdir()
    return path


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The names of the pictures that are made small from now on."""
    names, face = [], celeba.face

    def counted(picture: bytes, name: str) -> np.ndarray:
        names.append(name)
        return face(picture, name)

    monkeypatch.setattr(celeba, "face", counted)
    return names


def test_each_split_has_its_pictures_in_the_order_of_the_list(own):
    """Float32 in [0, 1], 3×64×64; there are no classes, so every label is 0."""
    for split, seeds in {"train": [0, 2, 4], "valid": [3], "test": [1]}.items():
        images = data.load("celeba", split)
        assert images.pixels.shape == (len(seeds), 3, 64, 64)
        assert (images.pixels.dtype, images.labels.dtype) == (torch.float32, torch.int64)
        assert images.labels.tolist() == [0] * len(seeds)
        alone = [celeba.face(jpeg(ramp(seed)), "") for seed in seeds]
        np.testing.assert_array_equal(images.pixels, np.float32(np.stack(alone) / 255))


def test_a_part_of_the_official_list_is_a_subset(own, capsys):
    """Five pictures of 202,599, said in every place."""
    assert data.load("celeba").name == "celeba (subset: 3 of 162770)"
    assert data.load("celeba", "valid").name == "celeba (subset: 1 of 19867)"
    assert main(["celeba"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == (
        "celeba: 3 training images (subset: 3 of 162770), "
        "1 validation images (subset: 1 of 19867), 1 test images (subset: 1 of 19962)"
    )


def test_the_middle_148_pixels_are_averaged_to_64():
    """A ramp stays the ramp: each small pixel has the value at the middle of what it covers."""
    y, x = np.mgrid[:218, :178]
    picture = np.stack([1.4 * x, 1.1 * y, np.full_like(x, 100)], axis=-1).round().astype(np.uint8)
    middles = (np.arange(64) + 0.5) * 148 / 64 - 0.5
    y, x = np.meshgrid(35 + middles, 15 + middles, indexing="ij")
    expected = np.stack([1.4 * x, 1.1 * y, np.full_like(x, 100)])
    inside = np.s_[:, 2:-2, 2:-2]  # at the rim the filter is cut off
    small = celeba.face(jpeg(picture), "")[inside]
    np.testing.assert_allclose(small, expected[inside], rtol=0, atol=3)  # JPEG's colours
    means = (small - expected[inside]).mean(axis=(1, 2))
    np.testing.assert_allclose(means, 0, rtol=0, atol=0.4)  # one pixel aside would be 1.1 or 1.4


def test_fine_stripes_turn_grey_instead_of_into_other_stripes():
    """Antialiased: columns of black and white, finer than a small pixel, have nearly one grey."""
    stripes = np.zeros((218, 178, 3), np.uint8)
    stripes[:, ::2] = 255
    small = celeba.face(jpeg(stripes), "")[:, :, 2:-2].astype(float)
    assert abs(small.mean() - 127.5) < 3
    assert small.std() < 30  # 127 for columns picked one by one


def test_what_lies_outside_the_middle_does_not_matter():
    """15 pixels on the left and on the right, 35 above and below, and 8 more for JPEG's blocks."""
    one, other = ramp(1), np.zeros((218, 178, 3), np.uint8)
    other[27:191, 7:171] = one[27:191, 7:171]
    difference = celeba.face(jpeg(one), "").astype(int) - celeba.face(jpeg(other), "")
    assert np.abs(difference).max() <= 8


def test_the_zip_gives_what_the_folder_gives(own, monkeypatch, tmp_path):
    """Read where it lies: nothing appears beside it."""
    expected = data.load("celeba").pixels
    zipped(own)
    monkeypatch.setenv("GEOKIT_CACHE", str(tmp_path / "other"))
    assert torch.equal(data.load("celeba").pixels, expected)
    assert {path.name for path in own.iterdir()} == {LIST, "img_align_celeba.zip"}


# --- what is kept


@pytest.mark.parametrize("pack", [lambda own: None, zipped], ids=["folder", "zip"])
def test_pictures_are_made_small_once(own, decoded, pack, tmp_path):
    """The second load reads the cache: one file, of its owner alone, and no draft beside it."""
    pack(own)
    first, second = data.load("celeba"), data.load("celeba")
    assert torch.equal(first.pixels, second.pixels)
    assert len(decoded) == 3
    (kept,) = (tmp_path / "cache" / "celeba").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


def another_picture(own: Path) -> None:
    (own / "img_align_celeba" / "000003.jpg").write_bytes(jpeg(ramp(9)))


def another_time(own: Path) -> None:
    picture = own / "img_align_celeba" / "000003.jpg"
    os.utime(picture, ns=(0, picture.stat().st_mtime_ns + 1))


def another_list(own: Path) -> None:
    (own / LIST).write_bytes(listed(SPLIT_OF | {"000003.jpg": 1, "000004.jpg": 0}))


def another_zip(own: Path) -> None:
    another_picture(own)
    zipped(own)


def another_recipe(own: Path) -> None:
    celeba.CENTRE = (14, 35, 162, 183)


@pytest.mark.parametrize(
    "change", [another_picture, another_time, another_list, another_zip, another_recipe]
)
def test_a_changed_source_is_seen(own, decoded, change, monkeypatch):
    """A picture, its time alone, its split, an archive in place of the folder, another cut."""
    data.load("celeba")
    monkeypatch.setattr(celeba, "CENTRE", celeba.CENTRE)  # put back at the end
    change(own)
    decoded.clear()
    again = data.load("celeba")
    assert len(decoded) == 3
    expected = {another_time: [0, 2, 4], another_list: [0, 3, 4], another_recipe: [0, 2, 4]}
    seeds = expected.get(change, [0, 9, 4])
    alone = np.stack([celeba.face(jpeg(ramp(seed)), "") for seed in seeds])
    np.testing.assert_array_equal(again.pixels, np.float32(alone / 255))


def test_a_picture_of_another_split_changes_nothing(own, decoded):
    """Each split is kept by itself."""
    data.load("celeba")
    (own / "img_align_celeba" / "000002.jpg").write_bytes(jpeg(ramp(9)))
    data.load("celeba")
    assert len(decoded) == 3


@settings(deadline=None)
@given(draw=st.data())
def test_a_damaged_file_in_the_cache_is_never_believed(draw, tmp_path_factory):
    """Bytes changed anywhere, or the end cut off: the pixels are right, or there are none."""
    path = tmp_path_factory.getbasetemp() / "kept.safetensors"
    pixels = np.arange(2 * 3 * 64 * 64, dtype=np.uint8).reshape(2, 3, 64, 64)
    celeba._keep(path, "source", pixels)
    content = bytearray(path.read_bytes())
    front = st.integers(0, 300)  # the header
    for place in draw.draw(
        st.lists(st.one_of(front, st.integers(0, len(content) - 1)), max_size=3)
    ):
        content[place] = draw.draw(st.integers(0, 255))
    path.write_bytes(content[: draw.draw(st.sampled_from([None, None, 5, 200, -1]))])
    kept = celeba._kept(path, "source", 2)
    assert kept is None or (kept.dtype == np.uint8 and np.array_equal(kept, pixels))


@pytest.mark.parametrize(
    "wrong",
    [
        {"other": np.zeros(3, np.uint8)},
        {"pixels": np.zeros((2, 3, 64, 64), np.int8)},
        {"pixels": np.zeros((1, 6, 64, 64), np.uint8)},
    ],
)
def test_a_file_of_another_kind_in_the_cache_is_made_anew(tmp_path, wrong):
    """It names the right source and the right hash, and holds something else."""
    (array,) = wrong.values()
    about = {"source": "source", "sha256": hashlib.sha256(array).hexdigest()}
    save_file(wrong, tmp_path / "kept", metadata=about)
    assert celeba._kept(tmp_path / "kept", "source", 2) is None


def test_a_cache_gone_bad_is_made_anew(own, decoded, tmp_path):
    """One byte of the pixels differs: the pictures are read again."""
    expected = data.load("celeba").pixels
    (kept,) = (tmp_path / "cache" / "celeba").iterdir()
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    decoded.clear()
    assert torch.equal(data.load("celeba").pixels, expected)
    assert len(decoded) == 3


def test_a_cache_that_cannot_be_written_is_named(own, tmp_path):
    """A folder where the file should be: say so, and which variable moves it; no draft is left."""
    (tmp_path / "cache" / "celeba" / "train-64x64.safetensors" / "full").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"cannot be written .* set GEOKIT_CACHE") as refusal:
        data.load("celeba")
    assert is_one_sentence(refusal.value)
    assert len(list((tmp_path / "cache" / "celeba").iterdir())) == 1


# --- a copy that will not do


def no_list(own: Path) -> None:
    (own / LIST).unlink()


def no_pictures(own: Path) -> None:
    zipped(own).unlink()


def one_missing(own: Path) -> None:
    (own / "img_align_celeba" / "000005.jpg").unlink()


def one_missing_in_the_zip(own: Path) -> None:
    (own / LIST).write_bytes(listed(SPLIT_OF | {"999999.jpg": 0}))
    zipped(own)


def one_of_another_size(own: Path) -> None:
    (own / "img_align_celeba" / "000005.jpg").write_bytes(jpeg(np.zeros((178, 218, 3), np.uint8)))


def one_cut(own: Path) -> None:
    (own / "img_align_celeba" / "000005.jpg").write_bytes(PICTURES["000005.jpg"][:-500])


def one_png(own: Path) -> None:
    Image.fromarray(ramp(4)).save(own / "img_align_celeba" / "000005.jpg", "PNG")


def one_folder(own: Path) -> None:
    one_missing(own)
    (own / "img_align_celeba" / "000005.jpg").mkdir()


def zip_cut(own: Path) -> None:
    path = zipped(own)
    path.write_bytes(path.read_bytes()[:-30])


def no_training(own: Path) -> None:
    (own / LIST).write_bytes(b"000001.jpg 1\n")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (
            no_list,
            "cannot be downloaded for you, and there is no list_eval_partition.txt in .*mine",
        ),
        (no_pictures, "has neither the folder img_align_celeba nor img_align_celeba.zip"),
        (one_missing, "1 of 3 pictures .* are missing, the first is 000005.jpg"),
        (one_missing_in_the_zip, "1 of 4 pictures .* are missing, the first is 999999.jpg"),
        (one_of_another_size, "000005.jpg cannot be used .it is 218×178, not 178×218"),
        (one_cut, "000005.jpg cannot be used .*truncated"),
        (one_png, "000005.jpg cannot be used .cannot identify"),
        (one_folder, "000005.jpg cannot be read"),
        (zip_cut, "img_align_celeba.zip cannot be read .File is not a zip file.; get it again"),
        (no_training, "names no picture of the split 'train'"),
    ],
)
def test_a_copy_that_will_not_do_is_refused_in_a_sentence(own, tmp_path, damage, sentence):
    """The file and the fault are named, and nothing is kept."""
    damage(own)
    with pytest.raises(ValueError, match=sentence) as refusal:
        data.load("celeba")
    assert is_one_sentence(refusal.value)
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def test_without_a_folder_of_ones_own_the_sentence_says_what_to_set(monkeypatch):
    """No address is tried, for none may serve it."""
    monkeypatch.delenv("GEOKIT_DATA", raising=False)
    with pytest.raises(ValueError, match="GEOKIT_DATA is not set"):
        data.load("celeba")


# --- the list


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("celeba")


def partition_or_refusal(folder: Path, content: bytes) -> dict[str, list[str]] | str:
    path = folder / LIST
    path.write_bytes(content)
    try:
        return celeba.partition(path)
    except ValueError as refusal:
        return str(refusal)


@settings(deadline=None)
@given(
    split_of=st.dictionaries(
        st.integers(0, 999_999).map("{:06}.jpg".format), st.integers(0, 2), max_size=8
    ),
    end=st.sampled_from([b"\n", b"\r\n", b" \n"]),
)
def test_the_list_is_read_as_written(folder, split_of, end):
    """Names by their split, in order, whatever ends the lines."""
    read = partition_or_refusal(folder, listed(split_of).replace(b"\n", end))
    assert read == {
        split: [name for name, number in split_of.items() if number == wanted]
        for wanted, split in enumerate(("train", "valid", "test"))
    }


@settings(deadline=None)
@given(draw=st.data())
def test_a_damaged_list_is_read_or_refused(folder, draw):
    """Bytes changed, put in or left out; every name that is read is six digits and .jpg."""
    content = bytearray(listed(SPLIT_OF))
    for _ in range(draw.draw(st.integers(1, 3))):
        start = draw.draw(st.integers(0, len(content)))
        end = start + draw.draw(st.integers(0, 3))
        content[start:end] = draw.draw(st.binary(max_size=4))
    read = partition_or_refusal(folder, bytes(content))
    if isinstance(read, str):
        assert re.fullmatch(r"line \d+ of \S+ [^.\n]+ [^.\n]+\.", read)
    else:
        names = [name for split in read.values() for name in split]
        assert len(set(names)) == len(names) <= len(SPLIT_OF) + 1
        assert all(len(name) == 10 and name[:6].isdigit() for name in names)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"000001.jpg 3\n", "line 1 .* is not a picture and 0, 1 or 2"),
        (b"000001.jpg 0\n../../01.jpg 0\n", "line 2 .* is not a picture"),
        (b"000001.jpg 0\n\n000002.jpg 0", "line 2 .* is not a picture"),
        (b"000001.jpg 0\n000001.jpg 1", "line 2 .* names a picture again"),
        ("٠٠٠٠٠١.jpg 0".encode(), "line 1 .* is not a picture"),  # digits, but not ours
        (bytes(2000), "has more than 1000 bytes"),
    ],
)
def test_a_list_of_another_kind_is_refused_with_the_line(folder, monkeypatch, content, sentence):
    """The line's number and its fault."""
    monkeypatch.setattr(celeba, "LONGEST", 1000)
    (folder / LIST).write_bytes(content)
    with pytest.raises(ValueError, match=sentence) as refusal:
        celeba.partition(folder / LIST)
    assert str(folder / LIST) in str(refusal.value)
    assert is_one_sentence(refusal.value)


# --- pictures and the zip


@settings(deadline=None)
@given(draw=st.data())
def test_a_damaged_picture_is_a_face_or_refused(draw):
    """Bytes changed, mostly in the headers, or the end cut off: a picture or a sentence."""
    content = bytearray(PICTURES["000001.jpg"])
    for _ in range(draw.draw(st.integers(1, 4))):
        limit = draw.draw(st.sampled_from([24, 700, len(content) - 1]))
        content[draw.draw(st.integers(0, limit))] = draw.draw(st.integers(0, 255))
    content = content[: draw.draw(st.one_of(st.none(), st.integers(0, len(content))))]
    small = face_or_refusal(bytes(content))
    if isinstance(small, str):
        assert small.startswith("the picture 000001.jpg cannot be used")
    else:
        assert (small.shape, small.dtype) == ((3, 64, 64), np.uint8)


def face_or_refusal(content: bytes) -> np.ndarray | str:
    try:
        return celeba.face(content, "000001.jpg")
    except ValueError as refusal:
        return str(refusal)


@pytest.mark.parametrize("size", [(65_000, 65_000), (9_000, 11_000), (5_000, 5_000)])
def test_a_picture_of_billions_of_pixels_is_refused_before_it_is_unpacked(size):
    """The size in the header is all that is looked at."""
    content = bytearray(PICTURES["000001.jpg"])
    place = content.index(struct.pack(">HH", 218, 178))
    content[place : place + 4] = struct.pack(">HH", *size)
    tracemalloc.start()
    with pytest.raises(ValueError, match="cannot be used"):
        celeba.face(bytes(content), "000001.jpg")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def member_or_refusal(path: Path) -> bytes | str | None:
    try:
        with Zip(path) as archive:
            return archive.state("a") and archive.read("a", largest=1000)
    except ValueError as refusal:
        return str(refusal)


@settings(deadline=None)
@given(draw=st.data())
def test_a_damaged_zip_is_read_right_or_refused(folder, draw):
    """A member comes out as it went in, or is not there, or there is a sentence."""
    content = bytearray(zip_of({"a": b"first" * 40, "../b": b"second"}))
    for _ in range(draw.draw(st.integers(1, 3))):
        content[draw.draw(st.integers(0, len(content) - 1))] = draw.draw(st.integers(0, 255))
    content = content[: draw.draw(st.one_of(st.none(), st.integers(0, len(content))))]
    path = folder / "some.zip"
    path.write_bytes(content)
    read = member_or_refusal(path)
    if isinstance(read, str):
        assert str(path) in read
        assert "\n" not in read
    else:
        assert read in (None, b"first" * 40)


@pytest.mark.parametrize(
    ("members", "method", "sentence"),
    [
        ({"a": bytes(50_000_000)}, zipfile.ZIP_DEFLATED, "a in .* has more than 1000 bytes"),
        ({"a": b"ab"}, zipfile.ZIP_BZIP2, "is packed by method 12"),
        ({"a": b"ab"}, zipfile.ZIP_LZMA, "is packed by method 14"),
    ],
    ids=["bomb", "bzip2", "lzma"],
)
def test_a_member_that_is_a_bomb_or_packed_oddly_is_refused(folder, members, method, sentence):
    """No more is unpacked than one picture may have."""
    path = folder / "some.zip"
    path.write_bytes(zip_of(members, method))
    tracemalloc.start()
    refusal = member_or_refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    with Zip(path) as archive, pytest.raises(ValueError, match=sentence):
        archive.read("a", largest=1000)
    assert str(path) in refusal


# --- real faces, where the machine has them; they are compared and shown nowhere


@pytest.mark.data
def test_portraits_come_through_nearly_as_they_were(tmp_path, monkeypatch):
    """Enlarged into the middle of pictures of the official size, and made small again."""
    shared = Path(os.environ["GEOKIT_DATA"]) / "portraits-64"
    portraits = read_idx(shared / "faces-64x64-rgb-idx4-ubyte.gz", ndim=4)[:20]
    own = tmp_path / "celeba"
    (own / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06}.jpg" for number in range(1, 21)]
    for name, portrait in zip(names, portraits, strict=True):
        canvas = np.zeros((218, 178, 3), np.uint8)
        large = Image.fromarray(portrait).resize((148, 148), Image.Resampling.BICUBIC)
        canvas[35:183, 15:163] = large
        (own / "img_align_celeba" / name).write_bytes(jpeg(canvas))
    (own / LIST).write_bytes(listed(dict.fromkeys(names, 0)))
    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path))
    monkeypatch.setenv("GEOKIT_CACHE", str(tmp_path / "cache"))
    faces = data.load("celeba").pixels.permute(0, 2, 3, 1).numpy()
    expected = portraits / 255
    inside = np.s_[:, 2:-2, 2:-2]
    error = np.abs(faces - expected)[inside].mean()
    shifted = np.abs(faces[:, :, 1:] - expected[:, :, :-1])[inside].mean()
    assert error < 0.02
    assert error < shifted / 2
