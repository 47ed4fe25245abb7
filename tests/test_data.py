"""Images arrive whole and unaltered, whichever way they came, or a sentence says why not."""

import gzip
import hashlib
import os
import re
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hosts import Host, closed_address
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_digits

from geokit import data
from geokit.data import files
from geokit.data.__main__ import main
from geokit.data.idx import read_idx


def idx(array: np.ndarray) -> bytes:
    """The plain IDX bytes of an array of unsigned bytes."""
    return (
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def written(folder: Path, content: bytes) -> Path:
    path = folder / "some-idx.gz"
    path.write_bytes(content)
    return path


# --- the digits: no file, no network


def test_digits_are_scikit_learns_divided_by_sixteen_and_split_without_loss():
    """Train and test together are the 1,797 bundled images, each once, over 16."""
    train, test = data.load("digits"), data.load("digits", "test")
    assert (len(train), len(test)) == (1347, 450)
    assert train.pixels.shape == (1347, 1, 8, 8)
    assert (train.pixels.dtype, train.labels.dtype) == (torch.float32, torch.int64)

    bundled = load_digits()
    expected = np.column_stack([bundled.data, bundled.target])
    got = torch.cat(
        [torch.column_stack([s.pixels.flatten(1) * 16, s.labels]) for s in (train, test)]
    ).numpy()
    np.testing.assert_array_equal(np.unique(got, axis=0), np.unique(expected, axis=0))
    assert len(np.unique(expected, axis=0)) == len(expected) == len(got)


def test_digits_split_is_stratified():
    """Every class gives the test split its share, to within one image."""
    train, test = (data.load("digits", split).labels.bincount() for split in ("train", "test"))
    share = (train + test) * 450 / 1797
    assert ((test - share).abs() < 1).all()


SPLIT = "c8b5a776387b2c1d940243f5e97276614f605fe32fc27d5d8b0572a86d464f86"


def test_digits_split_is_the_same_everywhere_whatever_the_seed():
    """The test split is a fixed list of images: results on it can be compared across machines."""
    np.random.seed(1)  # noqa: NPY002 the global state must not matter
    test = data.load("digits", "test")
    levels = (test.pixels * 16).to(torch.uint8).numpy().tobytes()
    assert hashlib.sha256(levels).hexdigest() == SPLIT


def test_classes_keep_their_images_labels_and_order():
    """Choosing classes is masking: nothing moves, nothing is renumbered, repeats change nothing."""
    every, chosen = data.load("digits"), data.load("digits", classes=[7, 0, 7, 1])
    keep = (every.labels == 0) | (every.labels == 1) | (every.labels == 7)
    assert torch.equal(chosen.labels, every.labels[keep])
    assert torch.equal(chosen.pixels, every.pixels[keep])


def test_classes_may_be_any_integers():
    """A tensor, an array, a range and a generator ask for the same images as a list does."""
    expected = data.load("digits", classes=[0, 1]).labels
    for classes in (torch.tensor([0, 1]), np.array([0, 1]), range(2), (c for c in (0, 1))):
        assert torch.equal(data.load("digits", classes=classes).labels, expected)


def test_images_say_what_they_are_in_a_line():
    """A cell that ends in images shows their number, size and classes, not their pixels."""
    assert (
        repr(data.load("digits", "test", classes=[3])) == "Images(digits: 46 of 1×8×8, classes [3])"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "emnist"}, "no data set 'emnist'; choose one of digits, mnist, fashion-mnist"),
        ({"name": "digits", "split": "val"}, "no split 'val' in digits; choose 'train' or 'test'"),
        ({"name": "celeba", "split": "val"}, "celeba; choose 'train' or 'valid' or 'test'"),
        ({"name": "digits", "classes": [1, 10, -1]}, r"but classes asks for \[-1, 10\]"),
        ({"name": "digits", "classes": [0.5]}, r"list of integers like \[0, 1, 7\], not \[0.5\]"),
        ({"name": "digits", "classes": "17"}, "list of integers like .*, not '17'"),
        ({"name": "digits", "classes": []}, "classes is empty; name at least one"),
    ],
)
def test_a_wrong_request_gets_one_sentence(arguments, sentence):
    """What was asked for, what there is, and what to do."""
    with pytest.raises(ValueError, match=sentence) as refusal:
        data.load(**arguments)
    assert is_one_sentence(refusal.value)


def is_one_sentence(error: Exception) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and ". " not in text


# --- the IDX format


arrays = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("idx")


@settings(deadline=None)
@given(array=arrays)
def test_idx_round_trip(folder, array):
    """What was written is what is read, for any shape, empty ones too."""
    read = read_idx(written(folder, gzip.compress(idx(array))), ndim=array.ndim)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array, strict=True)


@settings(deadline=None)
@given(array=arrays, draw=st.data())
def test_idx_cut_anywhere_is_refused(folder, array, draw):
    """No proper beginning of a file passes for the file, gzipped or before it was gzipped."""
    plain, packed = idx(array), gzip.compress(idx(array))
    cut_before = gzip.compress(plain[: draw.draw(st.integers(0, len(plain) - 1))])
    cut_after = packed[: draw.draw(st.integers(0, len(packed) - 1))]
    for content in (cut_before, cut_after):
        with pytest.raises(ValueError, match=r"some-idx\.gz"):
            read_idx(written(folder, content), ndim=array.ndim)


def array_or_refusal(path: Path, ndim: int) -> np.ndarray | str:
    try:
        return read_idx(path, ndim=ndim)
    except ValueError as refusal:
        return str(refusal)


@settings(deadline=None)
@given(array=arrays, draw=st.data())
def test_idx_with_changed_bytes_is_read_right_or_refused(folder, array, draw):
    """Bytes changed in the gzip file never yield another array: gzip's checksum is looked at."""
    packed = bytearray(gzip.compress(idx(array)))
    for place in draw.draw(st.lists(st.integers(0, len(packed) - 1), min_size=1, max_size=3)):
        packed[place] = draw.draw(st.integers(0, 255))
    path = written(folder, bytes(packed))
    read = array_or_refusal(path, array.ndim)
    if isinstance(read, str):
        assert str(path) in read
    else:
        np.testing.assert_array_equal(read, array, strict=True)


@settings(deadline=None)
@given(
    start=st.sampled_from([b"", b"\0\0\x08"]),
    rest=st.binary(max_size=64),
    packed=st.booleans(),
    ndim=st.integers(0, 5),
)
def test_idx_of_any_bytes_is_an_array_or_refused(folder, start, rest, packed, ndim):
    """No bytes at all, gzipped or not, make the parser fail in another way."""
    content = start + rest
    path = written(folder, gzip.compress(content) if packed else content)
    read = array_or_refusal(path, ndim)
    if isinstance(read, str):
        assert str(path) in read
    else:
        assert idx(read) == content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\0\0\x08\x01\0\0\0\x02ab", "not a sound gzip file .Not a gzipped file"),
        (gzip.compress(idx(np.zeros(900, np.uint8)))[:-9], "cut short inside its gzip stream"),
        (gzip.compress(b""), "not an IDX file"),
        (gzip.compress(b"PK\3\4 a zip file"), "not an IDX file: it starts with '50 4b 03 04'"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\0"), "type 0x0d, not unsigned bytes"),
        (gzip.compress(idx(np.zeros((2, 2), np.uint8))), "has 2 axes where 1 are needed"),
        (gzip.compress(b"\0\0\x08\x01\0\0"), "ends inside its IDX header, which needs 8 bytes"),
        (
            gzip.compress(b"\0\0\x08\x01\0\0\0\x05abc"),
            r"promises 5 bytes \(sizes 5\), but holds only 3",
        ),
        (
            gzip.compress(b"\0\0\x08\x01\0\0\0\x05abcdef"),
            r"promises 5 bytes \(sizes 5\), but holds more",
        ),
        (gzip.compress(b"\0\0\x08\x01\xff\xff\xff\xff"), r"4294967295\), but may unpack to"),
    ],
    ids=["plain", "cut", "empty", "zip", "floats", "axes", "header", "less", "more", "believe"],
)
def test_idx_refusal_names_the_file_and_the_fault(tmp_path, content, sentence):
    """Each kind of damage has its own sentence."""
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=sentence) as refusal:
        read_idx(path, ndim=1)
    assert str(refusal.value).startswith(str(path))
    assert is_one_sentence(refusal.value)


@settings(deadline=None)
@given(
    sizes=st.lists(st.sampled_from([0, 1, 3, 1 << 31, (1 << 32) - 1]), min_size=1, max_size=5),
    body=st.binary(max_size=8),
)
def test_idx_header_may_claim_anything(folder, sizes, body):
    """Sizes of billions, and of billions beside a zero, are an array of that shape or refused."""
    content = bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + body
    read = array_or_refusal(written(folder, gzip.compress(content)), len(sizes))
    if isinstance(read, str):
        assert "some-idx.gz" in read
    else:
        assert read.shape == tuple(sizes)
        assert read.tobytes() == body


def test_idx_bomb_that_keeps_its_promise_is_refused_too(tmp_path, monkeypatch):
    """What is packed a thousandfold is believed up to a bound, and not read beyond it."""
    bomb = gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 3_000_000) + bytes(3_000_000))
    path = written(tmp_path, bomb)
    assert read_idx(path, ndim=1).nbytes == 3_000_000
    monkeypatch.setattr("geokit.data.idx.LARGEST", 2_000_000)
    with pytest.raises(ValueError, match=r"promises 3000000 bytes .* may unpack to 2000000"):
        read_idx(path, ndim=1)


def test_idx_that_is_no_file_is_refused_in_a_sentence(tmp_path):
    """A name without a file, and a folder."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ValueError, match="cannot be read") as refusal:
            read_idx(path, ndim=1)
        assert is_one_sentence(refusal.value)


@pytest.mark.parametrize("promise", [100, 40_000_000, 4_294_967_295])
def test_idx_header_cannot_make_the_reader_allocate(tmp_path, promise):
    """A bomb of 64 MB behind a small promise, or a promise with nothing behind it, costs little."""
    bomb = promise == 100
    header = b"\0\0\x08\x01" + struct.pack(">I", promise)
    # random bytes do not shrink: 40 kB of them make a promise of 40 MB just believable
    body = bytes(64_000_000) if bomb else np.random.default_rng(0).bytes(40_000)
    path = written(tmp_path, gzip.compress(header + body, 1))
    tracemalloc.start()
    with pytest.raises(ValueError, match="promises"):
        read_idx(path, ndim=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


# --- where files come from: a small "mnist", and a server that plays the official host and a mirror

# half of such a file is more than a download writes at once
PIXELS = {
    "train": np.random.default_rng(0).integers(0, 256, (6, 200, 160), dtype=np.uint8),
    "t10k": np.random.default_rng(1).integers(0, 256, (4, 200, 160), dtype=np.uint8),
}
LABELS = {"train": np.array([7, 0, 1, 7, 3, 0], np.uint8), "t10k": np.array([1, 7, 0, 3], np.uint8)}
CONTENT = {
    f"{prefix}-{kind}-ubyte.gz": gzip.compress(idx(arrays[prefix]), mtime=0)
    for prefix in ("train", "t10k")
    for kind, arrays in (("images-idx3", PIXELS), ("labels-idx1", LABELS))
}
IMAGES = "train-images-idx3-ubyte.gz"


@pytest.fixture
def host():
    host = Host(CONTENT)
    yield host
    host.stuck.set()
    host.server.shutdown()
    host.server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch, host) -> Path:
    """An empty cache, no GEOKIT_DATA, and the tiny set on two hosts that both serve it well."""
    monkeypatch.delenv("GEOKIT_DATA", raising=False)
    monkeypatch.setenv("GEOKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    host.serve = {"official": host.whole, "mirror": host.whole}
    sha256 = {file: hashlib.sha256(content).hexdigest() for file, content in CONTENT.items()}
    source = files.Source(sha256, (host.address("official"), host.address("mirror")))
    monkeypatch.setitem(files.SOURCES, "mnist", source)
    return tmp_path / "cache"


def files_below(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def put(folder: Path, content: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for file, packed in content.items():
        (folder / file).write_bytes(packed)


def test_a_downloaded_set_is_pixel_for_pixel_the_official_one(cache):
    """Both splits, scaled by 255, heights and widths in place, classes chosen on the way."""
    train, test = data.load("mnist"), data.load("mnist", "test", classes=[0, 1, 7])
    np.testing.assert_array_equal(train.pixels, np.float32(PIXELS["train"][:, None] / 255))
    assert train.labels.tolist() == [7, 0, 1, 7, 3, 0]
    np.testing.assert_array_equal(test.pixels, np.float32(PIXELS["t10k"][:3, None] / 255))
    assert test.labels.tolist() == [1, 7, 0]


def test_the_official_address_is_asked_once_and_the_mirror_never(cache, host, capfd):
    """The first load downloads, behind a progress bar on stderr; the second asks nobody."""
    data.load("mnist")
    assert host.asked == [("official", IMAGES), ("official", "train-labels-idx1-ubyte.gz")]
    out, err = capfd.readouterr()
    assert out == ""
    assert "100%" in err
    data.load("mnist")
    assert len(host.asked) == 2


@pytest.mark.parametrize("fault", ["missing", "other", "half", "refused"])
def test_the_mirror_serves_when_the_official_address_fails(cache, host, fault, monkeypatch):
    """Not there, a log-in page in its place, a line cut half way, no answer: the mirror is next."""
    if fault == "refused":
        source = files.SOURCES["mnist"]
        addresses = (closed_address(), host.address("mirror"))
        monkeypatch.setitem(files.SOURCES, "mnist", files.Source(source.sha256, addresses))
    else:
        host.serve["official"] = getattr(host, fault)
    assert data.load("mnist").labels.tolist() == [7, 0, 1, 7, 3, 0]
    assert files_below(cache) == {IMAGES, "train-labels-idx1-ubyte.gz"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("missing", "HTTPError"), ("other", "wrong sha256"), ("half", r"wrong sha256|\w+Error")],
)
def test_nothing_is_kept_of_a_download_that_failed_everywhere(cache, host, fault, reason):
    """One sentence names the places and each address's fault; the cache holds no file at all."""
    host.serve = dict.fromkeys(host.serve, getattr(host, fault))
    with pytest.raises(ValueError, match="no address served it") as refusal:
        data.load("mnist")
    assert is_one_sentence(refusal.value)
    for name in ("official", "mirror"):
        assert re.search(f"{host.address(name)}: ({reason})[;)]", str(refusal.value))
    assert files_below(cache) == set()


def test_without_network_the_sentence_says_where_to_put_the_file(cache, tmp_path, monkeypatch):
    """Both places it was looked for are named in full: your own folder and the cache."""
    source = files.SOURCES["mnist"]
    monkeypatch.setitem(files.SOURCES, "mnist", files.Source(source.sha256, (closed_address(),)))
    with pytest.raises(ValueError, match="go online, or put the file at one") as refusal:
        data.load("mnist")
    assert "GEOKIT_DATA (not set)" in str(refusal.value)
    assert str(cache / "mnist" / IMAGES) in str(refusal.value)

    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path / "mine"))
    with pytest.raises(ValueError, match="ConnectionError") as refusal:
        data.load("mnist")
    assert str(tmp_path / "mine" / "mnist" / IMAGES) in str(refusal.value)
    assert files_below(cache) == set()


def test_your_own_files_come_first_and_need_no_network(cache, host, tmp_path, monkeypatch):
    """With GEOKIT_DATA complete, no host is asked and no cache is made."""
    put(tmp_path / "mine" / "mnist", CONTENT)
    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path / "mine"))
    assert len(data.load("mnist")) == 6
    assert host.asked == []
    assert not cache.exists()


def test_a_file_you_lack_is_fetched_into_the_cache(cache, host, tmp_path, monkeypatch):
    """Each file is looked for by itself, and your folder is never written to."""
    put(tmp_path / "mine" / "mnist", {IMAGES: CONTENT[IMAGES]})
    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path / "mine"))
    assert len(data.load("mnist")) == 6
    assert host.asked == [("official", "train-labels-idx1-ubyte.gz")]
    assert files_below(tmp_path / "mine") == {IMAGES}


def test_your_own_file_with_a_wrong_hash_is_named_and_left_alone(
    cache, host, tmp_path, monkeypatch
):
    """It is yours: neither deleted nor passed over in silence."""
    own = tmp_path / "mine" / "mnist"
    put(own, CONTENT | {IMAGES: b"not the official file"})
    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path / "mine"))
    with pytest.raises(ValueError, match=r"has the sha256 .* not .*replace it") as refusal:
        data.load("mnist")
    assert str(own / IMAGES) in str(refusal.value)
    assert is_one_sentence(refusal.value)
    assert (own / IMAGES).read_bytes() == b"not the official file"
    assert host.asked == []


def test_a_damaged_file_in_the_cache_is_replaced(cache, host):
    """The cache is checked at each use; a file gone bad is downloaded again."""
    data.load("mnist")
    (cache / "mnist" / IMAGES).write_bytes(CONTENT[IMAGES][:-1])
    assert len(data.load("mnist")) == 6
    assert (cache / "mnist" / IMAGES).read_bytes() == CONTENT[IMAGES]

    (cache / "mnist" / IMAGES).write_bytes(CONTENT[IMAGES][:-1])
    host.serve = dict.fromkeys(host.serve, host.missing)
    with pytest.raises(ValueError, match="nor undamaged at"):
        data.load("mnist")


def test_others_may_read_what_was_downloaded(cache):
    """A class shares one cache: files are not for their owner alone."""
    data.load("mnist")
    assert all(path.stat().st_mode & 0o444 == 0o444 for path in (cache / "mnist").iterdir())


def test_a_cache_that_cannot_be_made_is_named(cache, monkeypatch, tmp_path):
    """A file where the cache folder should be: say so, and which variable moves it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("GEOKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"cannot be written .* set GEOKIT_CACHE") as refusal:
        data.load("mnist")
    assert is_one_sentence(refusal.value)


def test_images_and_labels_that_disagree_in_number_are_refused(cache, tmp_path, monkeypatch):
    """Six images with four labels are no data set, though each file is sound."""
    content = CONTENT | {"train-labels-idx1-ubyte.gz": CONTENT["t10k-labels-idx1-ubyte.gz"]}
    sha256 = {file: hashlib.sha256(packed).hexdigest() for file, packed in content.items()}
    monkeypatch.setitem(files.SOURCES, "mnist", files.Source(sha256, ()))
    put(cache / "mnist", content)
    with pytest.raises(ValueError, match="mnist train has 6 images but 4 labels"):
        data.load("mnist")


def test_a_server_that_never_stops_sending_is_left(cache, host, monkeypatch):
    """More bytes than any file here has: nothing of them stays, and the mirror is next."""
    monkeypatch.setattr(files, "LARGEST", 500_000)
    host.serve["official"] = host.flood
    assert len(data.load("mnist")) == 6
    assert files_below(cache) == {IMAGES, "train-labels-idx1-ubyte.gz"}
    host.serve = dict.fromkeys(host.serve, host.flood)
    with pytest.raises(ValueError, match="File too large"):
        data.load("mnist", "test")


def test_a_folder_that_another_process_tidies_away_does_no_harm(cache):
    """It was there when the cache was listed, and gone when it was looked at."""
    (cache / "mnist").mkdir(parents=True)
    (cache / "mnist" / ".download-gone").symlink_to(cache / "nowhere")
    assert len(data.load("mnist")) == 6


def test_what_a_dead_download_left_is_swept_after_a_day(cache):
    """A process killed outright cannot tidy up; a later one does, and spares one still running."""
    old, running = cache / "mnist" / ".download-old", cache / "mnist" / ".download-running"
    for left in (old, running):
        put(left, {"tmp": b"half"})
    os.utime(old, (0, 0))
    data.load("mnist")
    assert not old.exists()
    assert running.exists()


COMMAND = """
import runpy
from geokit.data import files
files.SOURCES["mnist"] = files.Source(*{source!r})
runpy.run_module("geokit.data", run_name="__main__", alter_sys=True)
"""


def command() -> subprocess.Popen:
    """`python -m geokit.data mnist` in a process of its own, with the hosts of this test."""
    source = files.SOURCES["mnist"]
    script = COMMAND.format(source=(source.sha256, source.addresses))
    words = [sys.executable, "-c", script, "mnist"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_command_stopped_half_way_leaves_nothing_behind(cache, host):
    """`kill` in mid-download: the half file is gone, and the next run starts afresh."""
    host.serve["official"] = host.hang
    process = command()
    wait_until(lambda: any(p.stat().st_size for p in cache.rglob("tmp*")), process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert files_below(cache) == set()
    assert not list(cache.glob("mnist/.download-*"))

    host.serve["official"] = host.whole
    assert len(data.load("mnist")) == 6


def halves(cache: Path) -> list[Path]:
    """What downloads have written so far."""
    return [path for path in cache.rglob("tmp*") if path.is_file() and path.stat().st_size]


def test_two_processes_download_at_once_and_one_is_killed(cache, host):
    """The dead one's half is never taken for the file; the other one's file is whole."""
    host.serve["official"] = host.pause
    one, other = command(), command()
    wait_until(lambda: len(halves(cache)) == 2, one, other)
    one.kill()
    one.communicate(timeout=300)
    (half, _) = sorted(halves(cache))
    assert half.parent.name.startswith(".download-")
    assert not (cache / "mnist" / IMAGES).exists()

    host.stuck.set()
    out, err = other.communicate(timeout=300)
    assert other.returncode == 0, err
    assert out.startswith("mnist: 6 training images, 4 test images")
    for file, content in CONTENT.items():
        assert (cache / "mnist" / file).read_bytes() == content
    assert len(halves(cache)) == 1

    asked = len(host.asked)
    assert len(data.load("mnist")) == 6
    assert len(host.asked) == asked


@pytest.mark.slow
def test_two_processes_that_finish_together_leave_one_whole_set(cache, host):
    """Each puts its own whole file in place; who is last does not matter."""
    host.serve["official"] = host.pause
    both = command(), command()
    wait_until(lambda: len(halves(cache)) == 2, *both)
    host.stuck.set()
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert files_below(cache) == set(CONTENT)
    assert not list(cache.glob("mnist/.download-*"))


def wait_until(happened, *processes) -> None:
    """Wait for something other processes do; fail with the words of one that ends before."""
    for _ in range(3000):
        if happened():
            return
        for process in processes:
            assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    for process in processes:
        process.kill()
    pytest.fail("it did not happen within five minutes")


# --- the command


def test_the_command_fetches_and_says_where_and_how_many(cache, capsys):
    """`python -m geokit.data mnist` lists four files that exist, and both sizes."""
    assert main(["mnist"]) == 0
    first, *paths = capsys.readouterr().out.splitlines()
    assert first == "mnist: 6 training images, 4 test images"
    assert [Path(path.strip()) for path in paths] == [cache / "mnist" / file for file in CONTENT]
    assert files_below(cache) == set(CONTENT)


def test_the_command_needs_no_file_for_the_digits(capsys):
    """The digits are there already."""
    assert main(["digits"]) == 0
    assert "1347 training images, 450 test images" in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_refuses_with_the_sentence_alone():
    """A wrong name: exit status 2, one line on stderr, no traceback."""
    command = [sys.executable, "-m", "geokit.data", "emnist"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr == (
        "There is no data set 'emnist'; choose one of "
        "digits, mnist, fashion-mnist, cifar-10, celeba, pictures.\n"
    )


# --- the official files, where the machine has them


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "split", "per_class"),
    [
        ("mnist", "train", [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
        ("mnist", "test", [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
        ("fashion-mnist", "train", [6000] * 10),
        ("fashion-mnist", "test", [1000] * 10),
    ],
)
def test_the_official_files_hold_the_published_numbers_of_images(name, split, per_class):
    """Images of 28×28 in [0, 1], each class as often as its authors say."""
    images = data.load(name, split)
    assert images.labels.bincount().tolist() == per_class
    assert images.pixels.shape == (sum(per_class), 1, 28, 28)
    assert (images.pixels.min(), images.pixels.max()) == (0, 1)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "mean", "std"), [("mnist", 0.1307, 0.3081), ("fashion-mnist", 0.2860, 0.3530)]
)
def test_the_official_pixels_have_the_well_known_mean_and_deviation(name, mean, std):
    """The numbers with which everybody normalises these two sets, to their four digits."""
    pixels = data.load(name).pixels.double()
    torch.testing.assert_close(pixels.mean().item(), mean, rtol=0, atol=5e-5)
    torch.testing.assert_close(pixels.std().item(), std, rtol=0, atol=5e-5)


@pytest.mark.data
def test_the_official_files_read_as_by_a_second_route():
    """Unpacked whole, header dropped: the same pixels, in the same order."""
    packed = files.fetch("fashion-mnist", "t10k-images-idx3-ubyte.gz").read_bytes()
    plain = np.frombuffer(gzip.decompress(packed), np.uint8, offset=16)
    pixels = data.load("fashion-mnist", "test").pixels
    np.testing.assert_array_equal(pixels.flatten(), np.float32(plain / 255))
