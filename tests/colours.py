"""How far apart colours are, for every eye."""

import re

import torch


def light_of(colour: str) -> torch.Tensor:
    """Linear red, green and blue of `rgb(r, g, b)` or `#rrggbb`."""
    hexadecimal = colour.startswith("#")
    channels = bytes.fromhex(colour[1:]) if hexadecimal else re.findall(r"\d+", colour)[:3]
    c = torch.tensor([int(v) for v in channels], dtype=torch.float64) / 255
    return torch.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(colour: str, ground: str) -> float:
    """WCAG's ratio of luminances."""
    weights = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)
    one, two = (float(light_of(c) @ weights) + 0.05 for c in (colour, ground))
    return max(one / two, two / one)


# linear RGB as seen with one kind of cone missing: Machado, Oliveira, Fernandes (2009), table 1
SIGHT = {
    "all three": [[1.0, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]  # of sRGB
LAB = [[0, 116, 0], [500, -500, 0], [0, 200, -200]]


def difference(one: str, other: str, sight: str) -> float:
    """CIE's ΔE of 1976 between two colours; 2.3 is just noticeable."""
    see, xyz, lab = (torch.tensor(m, dtype=torch.float64) for m in (SIGHT[sight], XYZ, LAB))

    def seen(colour: str) -> torch.Tensor:
        x = xyz @ (see @ light_of(colour)).clamp(0, 1) / xyz.sum(dim=1)
        return lab @ torch.where(x > 0.008856, x ** (1 / 3), 7.787 * x + 16 / 116)

    return float((seen(one) - seen(other)).norm())
