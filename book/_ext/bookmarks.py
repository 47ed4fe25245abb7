"""Give a PDF its bookmarks and its title, and write it small.

Chromium writes each small object of a PDF by itself: a book with tags has more than a hundred
thousand. Here they are packed into compressed streams, as PDF 1.5 allows; nothing is changed in
them. pypdf reads the file and words the few objects that are new, but writes no packed ones.
"""

import io
import itertools
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

from pypdf import PdfReader
from pypdf.generic import (
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    PdfObject,
    TextStringObject,
)

PACKED = 200  # objects in one stream
Entry = tuple[int, str, str]  # depth, title, name of the destination


def written(value: PdfObject) -> bytes:
    stream = io.BytesIO()
    value.write_to_stream(stream)
    return stream.getvalue()


def link(number: int) -> IndirectObject:
    return IndirectObject(number, 0, None)


def outline(entries: Sequence[Entry], first: int) -> dict[int, DictionaryObject]:
    """Bookmarks as objects numbered from `first`, which is their root; parts are folded."""
    items = {first: DictionaryObject({NameObject("/Type"): NameObject("/Outlines")})}
    above = [first]  # the open entry of each depth
    children: dict[int, list[int]] = {first: []}
    for number, (depth, title, name) in enumerate(entries, first + 1):
        parent = above[min(depth, len(above) - 1)]
        above[depth + 1 :] = [number]
        children[number] = []
        children[parent].append(number)
        items[number] = DictionaryObject(
            {
                NameObject("/Title"): TextStringObject(title),
                NameObject("/Dest"): NameObject(f"/{name}"),
                NameObject("/Parent"): link(parent),
            }
        )
    for number, below in children.items():
        if below:
            open_or_folded = len(below) if number == first else -len(below)
            items[number][NameObject("/Count")] = NumberObject(open_or_folded)
            items[number][NameObject("/First")] = link(below[0])
            items[number][NameObject("/Last")] = link(below[-1])
        for one, other in itertools.pairwise(below):
            items[one][NameObject("/Next")] = link(other)
            items[other][NameObject("/Prev")] = link(one)
    return items


def objects(pdf: bytes, reader: PdfReader) -> Iterator[tuple[int, bytes]]:
    """Each object's number and its text, as it stands in the file."""
    places = sorted((offset, number) for number, offset in reader.xref[0].items())
    ends = [offset for offset, _ in places[1:]] + [len(pdf)]
    for (start, number), end in zip(places, ends, strict=True):
        text = pdf[start:end]
        yield number, text[text.index(b"obj") + 3 : text.rindex(b"endobj")].strip()


def packed(texts: Mapping[int, bytes]) -> bytes:
    """A stream of objects."""
    places, at = [], 0
    for number, text in texts.items():
        places.append(f"{number} {at}")
        at += len(text) + 1
    head = " ".join(places).encode() + b"\n"
    body = zlib.compress(head + b"\n".join(texts.values()), 6)
    return (
        b"<</Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d>>\nstream\n"
        % (len(texts), len(head), len(body))
    ) + b"%s\nendstream" % body


def finished(pdf: bytes, entries: Sequence[Entry], about: Mapping[str, str]) -> bytes:
    """The PDF with bookmarks and with what it says about itself: /Title, /Author and so on."""
    reader = PdfReader(io.BytesIO(pdf))
    texts = dict(objects(pdf, reader))
    top = max(texts) + 1
    catalog = reader.trailer.raw_get("/Root").idnum
    root = reader.get_object(catalog)
    root[NameObject("/Outlines")] = link(top)
    root[NameObject("/PageMode")] = NameObject("/UseOutlines")
    texts[catalog] = written(root)
    texts |= {number: written(item) for number, item in outline(entries, top).items()}
    told = reader.trailer.raw_get("/Info").idnum
    texts[told] = written(
        DictionaryObject({NameObject(key): TextStringObject(said) for key, said in about.items()})
    )
    return assembled(texts, catalog, told)


def assembled(texts: dict[int, bytes], catalog: int, told: int) -> bytes:
    """A file of these objects: streams as they are, all others packed; then the table of places."""
    small = [number for number, text in texts.items() if not text.endswith(b"endstream")]
    rows: dict[int, tuple[int, int, int]] = {0: (0, 0, 0)}
    free = max(texts) + 1
    for start in range(0, len(small), PACKED):
        group = small[start : start + PACKED]
        rows |= {number: (2, free, k) for k, number in enumerate(group)}
        texts[free] = packed({number: texts[number] for number in group})
        free += 1
    file = io.BytesIO()
    file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    for number, text in texts.items():
        if number not in rows:
            rows[number] = (1, file.tell(), 0)
            file.write(b"%d 0 obj\n%s\nendobj\n" % (number, text))
    table = file.tell()
    rows[free] = (1, table, 0)
    body = zlib.compress(
        b"".join(struct.pack(">BIH", *rows.get(n, (0, 0, 0))) for n in range(free + 1)), 9
    )
    file.write(
        b"%d 0 obj\n<</Type /XRef /Size %d /W [1 4 2] /Root %d 0 R /Info %d 0 R "
        b"/Filter /FlateDecode /Length %d>>\nstream\n%s\nendstream\nendobj\n"
        b"startxref\n%d\n%%%%EOF\n" % (free, free + 1, catalog, told, len(body), body, table)
    )
    return file.getvalue()
