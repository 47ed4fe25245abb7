"""CIFAR-10 arrives whole or calls itself a subset; no damaged archive or batch passes for one."""

import gzip
import hashlib
import io
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hosts import Host, closed_address
from hypothesis import given, settings
from hypothesis import strategies as st

from geokit import data
from geokit.data import cifar, files
from geokit.data.__main__ import main
from geokit.data.archives import read_tar

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"
NAMES = [f"data_batch_{number}.bin" for number in range(1, 6)]
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 3, 32, 32), dtype=np.uint8)
LABELS = np.array(
    [[6, 9, 9, 4], [1, 6, 6, 8], [8, 5, 0, 6], [9, 1, 2, 3], [7, 7, 0, 0], [3, 8, 8, 0]]
)


def batch(pixels: np.ndarray, labels: np.ndarray) -> bytes:
    """The official layout, record by record."""
    return b"".join(
        bytes([label]) + image.tobytes() for image, label in zip(pixels, labels, strict=True)
    )


BATCHES = {
    name: batch(*both)
    for name, *both in zip([*NAMES, "test_batch.bin"], PIXELS, LABELS, strict=True)
}


def tar(members: dict[str, bytes], more: list[tarfile.TarInfo] = ()) -> bytes:
    """A gzipped archive of files below the official folder; then other members, without content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member)
    return packed.getvalue()


def is_one_sentence(error: Exception) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and ". " not in text


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """An empty `cifar-10` of one's own, small official batches, and no network."""
    monkeypatch.setenv("GEOKIT_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("GEOKIT_CACHE", str(tmp_path / "cache"))
    md5 = {
        split: {name: hashlib.md5(BATCHES[name]).hexdigest() for name in names}
        for split, names in cifar.MD5.items()
    }
    monkeypatch.setattr(cifar, "MD5", md5)
    monkeypatch.setattr(cifar, "IN_A_BATCH", 4)
    official(monkeypatch, tar(BATCHES), closed_address())
    folder = tmp_path / "mine" / "cifar-10"
    folder.mkdir(parents=True)
    return folder


def official(monkeypatch, archive: bytes, *addresses: str) -> None:
    """From now on this is the official archive."""
    sha256 = {ARCHIVE: hashlib.sha256(archive).hexdigest()}
    monkeypatch.setitem(files.SOURCES, "cifar-10", files.Source(sha256, addresses))


def unpack(own: Path, *names: str) -> None:
    (own / FOLDER).mkdir(exist_ok=True)
    for name in names:
        (own / FOLDER / name).write_bytes(BATCHES[name])


def assert_whole() -> None:
    train, test = data.load("cifar-10"), data.load("cifar-10", "test")
    everything = np.float32(PIXELS / 255)
    np.testing.assert_array_equal(train.pixels, everything[:5].reshape(-1, 3, 32, 32))
    np.testing.assert_array_equal(test.pixels, everything[5])
    assert train.labels.tolist() == LABELS[:5].ravel().tolist()
    assert test.labels.tolist() == LABELS[5].tolist()
    assert (train.pixels.dtype, train.labels.dtype) == (torch.float32, torch.int64)
    assert train.name == test.name == "cifar-10"


def test_the_folder_gives_every_image_with_its_label(own):
    """Five batches in their order, and the test batch: channels first, divided by 255."""
    unpack(own, *BATCHES)
    assert_whole()


def test_the_archive_gives_the_same_without_being_extracted(own):
    """It is read where it lies; nothing appears beside it."""
    (own / ARCHIVE).write_bytes(tar(BATCHES))
    assert_whole()
    assert [path.name for path in own.iterdir()] == [ARCHIVE]


def test_the_archive_is_downloaded_once(own, monkeypatch, tmp_path):
    """Nothing of one's own: the archive goes to the cache, as other files do."""
    host = Host({ARCHIVE: tar(BATCHES)})
    host.serve["official"] = host.whole
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    official(monkeypatch, tar(BATCHES), host.address("official"))
    try:
        assert_whole()
    finally:
        host.server.shutdown()
        host.server.server_close()
    assert host.asked == [("official", ARCHIVE)]
    assert (tmp_path / "cache" / "cifar-10" / ARCHIVE).is_file()


def test_some_batches_are_a_subset_and_say_so_wherever_they_are_named(own, capsys):
    """The first and the fourth batch: 8 images of 20, in the name, the repr and the command."""
    unpack(own, NAMES[0], NAMES[3], "test_batch.bin")
    some = data.load("cifar-10")
    assert some.name == "cifar-10 (subset: 8 of 20)"
    assert some.labels.tolist() == [*LABELS[0], *LABELS[3]]
    assert "cifar-10 (subset: 8 of 20)" in repr(some)
    assert data.load("cifar-10", classes=[9]).name == some.name
    assert data.load("cifar-10", "test").name == "cifar-10"
    assert main(["cifar-10"]) == 0
    first, *paths = capsys.readouterr().out.splitlines()
    assert first == "cifar-10: 8 training images (subset: 8 of 20), 4 test images"
    assert [Path(path.strip()).name for path in paths] == [NAMES[0], NAMES[3], "test_batch.bin"]


def test_an_archive_of_ones_own_goes_before_some_batches(own):
    """Whole before part."""
    unpack(own, NAMES[0])
    (own / ARCHIVE).write_bytes(tar(BATCHES))
    assert_whole()


def test_a_split_without_a_batch_is_refused_with_its_name(own):
    """The folder has no test batch, and no address serves the archive."""
    unpack(own, NAMES[0])
    with pytest.raises(ValueError, match=r"has none of test_batch.bin, and .* needs") as refusal:
        data.load("cifar-10", "test")
    assert is_one_sentence(refusal.value)


@pytest.mark.parametrize("cut", [0, 1, 3073, 4 * 3073 - 1])
def test_a_batch_that_is_not_the_official_one_is_named(own, cut):
    """Cut, even between two records: a whole number of images is not enough."""
    unpack(own, *NAMES)
    path = own / FOLDER / NAMES[2]
    path.write_bytes(BATCHES[NAMES[2]][:cut])
    with pytest.raises(
        ValueError, match=r"data_batch_3.bin in .* has the md5 .* replace it"
    ) as refusal:
        data.load("cifar-10")
    assert is_one_sentence(refusal.value)


def test_a_batch_larger_than_any_is_not_read(own, monkeypatch):
    """Nothing beyond the official size comes into memory."""
    monkeypatch.setattr(cifar, "BATCH", 4 * cifar.RECORD)
    unpack(own, *NAMES)
    with (own / FOLDER / NAMES[0]).open("wb") as file:
        file.truncate(1 << 40)  # a terabyte of nothing
    tracemalloc.start()
    with pytest.raises(ValueError, match="has more than 12292 bytes"):
        data.load("cifar-10")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


# --- records


near_records = st.builds(
    lambda n, more: bytes(3073 * n + more), st.integers(1, 3), st.sampled_from([0, 0, 0, 1, -1])
)


@settings(deadline=None)
@given(blob=st.one_of(st.binary(max_size=64), near_records), draw=st.data())
def test_any_bytes_are_records_or_refused(blob, draw):
    """Only whole records with labels from 0 to 9; read back, they are the bytes again."""
    content = bytearray(blob)
    if content:
        content[draw.draw(st.sampled_from(range(0, len(content), 3073)))] = draw.draw(
            st.integers(0, 255)
        )
    sound = content and len(content) % 3073 == 0 and max(content[::3073]) <= 9
    if not sound:
        with pytest.raises(ValueError, match="some batch") as refusal:
            cifar.records(bytes(content), "some batch")
        assert is_one_sentence(refusal.value)
    else:
        assert batch(*cifar.records(bytes(content), "some batch")) == content


# --- the archive


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("tar")


def written(folder: Path, content: bytes) -> Path:
    path = folder / "some.tar.gz"
    path.write_bytes(content)
    return path


WANTED = [f"{FOLDER}/a", f"{FOLDER}/b"]
SMALL = {"a": b"first" * 50, "other": b"between", "b": b""}


def two(path: Path) -> list[bytes]:
    return read_tar(path, WANTED, largest=1000, most=100_000)


def two_or_refusal(path: Path) -> list[bytes] | str:
    try:
        return two(path)
    except ValueError as refusal:
        return str(refusal)


def test_members_are_found_by_their_exact_names(folder):
    """In the order asked for, wherever they lie."""
    path = written(folder, tar(SMALL))
    assert two(path) == [SMALL["a"], b""]
    assert read_tar(path, WANTED[::-1], largest=1000, most=100_000) == [b"", SMALL["a"]]


@settings(deadline=None)
@given(draw=st.data())
def test_an_archive_cut_anywhere_is_read_right_or_refused(folder, draw):
    """Cut before or after it was packed: all that was asked for, or a sentence."""
    packed = tar(SMALL)
    plain = gzip.decompress(packed)
    for content in (
        packed[: draw.draw(st.integers(0, len(packed) - 1))],
        gzip.compress(plain[: draw.draw(st.integers(0, len(plain) - 1))]),
    ):
        read = two_or_refusal(written(folder, content))
        assert read == [SMALL["a"], b""] or "some.tar.gz" in read


@settings(deadline=None)
@given(draw=st.data(), gz=st.booleans())
def test_an_archive_with_changed_bytes_is_read_or_refused(folder, draw, gz):
    """Headers of any kind and size: nothing but a ValueError comes out."""
    content = bytearray(tar(SMALL) if gz else gzip.decompress(tar(SMALL)))
    for _ in range(draw.draw(st.integers(1, 3))):
        start = draw.draw(st.integers(0, len(content) - 1))
        # fields of the first header, among others: name, mode, size, checksum, type
        start = draw.draw(st.sampled_from([start, 0, 100, 124, 135, 148, 156, 157, 257]))
        new = draw.draw(
            st.one_of(
                st.binary(min_size=1, max_size=12),
                st.sampled_from(b"KLSxg1257").map(lambda kind: bytes([kind])),
            )
        )
        content[start : start + len(new)] = new
    if not gz and draw.draw(st.booleans()):
        for header in range(0, 2048, 512):  # a checksum that fits lets the header through
            fix_checksum(content, header)
    path = written(folder, bytes(content) if gz else gzip.compress(bytes(content)))
    read = two_or_refusal(path)
    if isinstance(read, str):
        assert str(path) in read
        assert "\n" not in read
    else:
        assert all(len(member) <= 1000 for member in read)


def fix_checksum(content: bytearray, start: int) -> None:
    header = content[start : start + 512]
    if len(header) == 512 and any(header):
        header[148:156] = b" " * 8
        content[start + 148 : start + 156] = b"%06o\0 " % sum(header)


def link(kind: bytes, name: str, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_a_link_or_a_device_is_no_batch(folder, kind):
    """Its name is right, its kind is not; nothing is followed."""
    path = written(folder, tar({"a": b""}, [link(kind, f"{FOLDER}/b", "/etc/passwd")]))
    with pytest.raises(ValueError, match="b is not an ordinary file"):
        two(path)


def test_members_with_bad_names_are_passed_over(folder, tmp_path):
    """A path out of the folder, an absolute one, a link: nobody asked, and nothing is written."""
    bad = [
        link(tarfile.SYMTYPE, f"{FOLDER}/away", str(tmp_path)),
        link(tarfile.REGTYPE, "../../escaped"),
        link(tarfile.REGTYPE, "/escaped"),
    ]
    before = sorted(folder.iterdir())
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member in bad:
            archive.addfile(member)
        for name in WANTED:
            archive.addfile(tarfile.TarInfo(name))
    assert two(written(folder, packed.getvalue())) == [b"", b""]
    assert sorted(folder.iterdir()) == sorted({*before, folder / "some.tar.gz"})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"plain", "cannot be read .*; fetch it again"),
        (tar(SMALL)[:60], "cannot be read .*; fetch it again"),
        (tar({"a": b""}), "has no cifar-10-batches-bin/b"),
        (tar({"a": b"", "b": bytes(1001)}), "b has 1001 bytes, more than 1000"),
        (tar({"big": bytes(200_000), **SMALL}), "unpacks to more than it should"),
        (
            tar({str(n): b"" for n in range(101)}),
            "unpacks to more than it should|more than 20 memb",
        ),
    ],
    ids=["plain", "cut", "lacking", "large", "bomb", "many"],
)
def test_an_archive_is_refused_with_the_file_and_the_fault(folder, monkeypatch, content, sentence):
    """Each kind of damage has its own sentence."""
    monkeypatch.setattr("geokit.data.archives.PLACES", 20)
    path = written(folder, content)
    with pytest.raises(ValueError, match=sentence) as refusal:
        two(path)
    assert is_one_sentence(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
def test_an_archive_bomb_costs_little(folder, kind):
    """A header that announces a name of gigabytes, and 64 MB of zeros behind it."""
    member = tarfile.TarInfo("name")
    member.type, member.size = kind, 8_000_000_000
    bomb = gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(64_000_000), 1)
    tracemalloc.start()
    with pytest.raises(ValueError, match="unpacks to more than it should"):
        two(written(folder, bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_headers_nested_without_end_are_refused(folder):
    """Each long name announces another one."""
    member = tarfile.TarInfo("name")
    member.type, member.size = b"L", 1
    nested = (member.tobuf(tarfile.GNU_FORMAT) + bytes(512)) * 3000
    path = written(folder, gzip.compress(nested))
    with pytest.raises(ValueError, match="cannot be read"):
        read_tar(path, WANTED, largest=1000, most=10_000_000)


# --- the official files, where the machine has them


@pytest.mark.data
def test_the_official_batches_hold_what_their_author_says():
    """10,000 images of 32×32 in 3 channels a batch; the test batch has 1,000 of each class."""
    test = data.load("cifar-10", "test")
    assert test.name == "cifar-10"
    assert test.pixels.shape == (10_000, 3, 32, 32)
    assert (test.pixels.min(), test.pixels.max()) == (0, 1)
    assert test.labels.bincount().tolist() == [1000] * 10
    train = data.load("cifar-10")
    assert len(train) % 10_000 == 0
    part = "" if len(train) == 50_000 else f" (subset: {len(train)} of 50000)"
    assert train.name == f"cifar-10{part}"


@pytest.mark.data
def test_the_official_pixels_have_the_well_known_means():
    """Red, green and blue: 0.491, 0.482, 0.447 over all 50,000; a batch is within 0.005 of that."""
    means = data.load("cifar-10").pixels.double().mean(dim=(0, 2, 3))
    expected = torch.tensor([0.4914, 0.4822, 0.4465], dtype=torch.float64)
    torch.testing.assert_close(means, expected, rtol=0, atol=5e-3)
