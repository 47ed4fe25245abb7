"""Every built page is drawn whole over http, alone, and can be used by everyone.

axe-core finds no violation of any level on it in the dark, nor of colour or contrast in light; it
fits a zoom of 200 %, and paper. `test_from_disk` opens it on a phone.
"""

import pytest
from pages import COLOURS, DESK, ZOOMED, assert_fits, picture, violations

pytestmark = pytest.mark.browser

INK = """() => {
  const channels = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => channels(c).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const says = (el) => [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const words = [...document.querySelectorAll(".bd-article *")].filter(
    (el) => says(el) && !el.closest("svg, script, mjx-assistive-mml") && el.checkVisibility());
  const faults = new Set();
  for (const el of words) {
    const ink = getComputedStyle(el).color;
    if (1.05 / (light(ink) + 0.05) < 4.5) faults.add(`${el.className}: pale ${ink}`);
    for (let box = el; box; box = box.parentElement) {
      const ground = getComputedStyle(box).backgroundColor;
      const [, , , cover = 1] = channels(ground);
      if (cover > 0.5 && light(ground) < 0.5) faults.add(`${box.className}: dark ${ground}`);
    }
  }
  return [...faults];
}"""


def test_page_is_whole_over_http(opened, path):
    assert not opened.wrong, "\n".join(opened.wrong)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_page_is_accessible_in_light_and_dark(opened, path, scheme):
    opened.set_viewport_size(DESK)
    opened.emulate_media(color_scheme=scheme, media="screen")
    opened.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
    picture(opened, path, scheme)
    # what is neither colour nor contrast is the same in both
    wrong = violations(opened, **({"runOnly": COLOURS} if scheme == "light" else {}))
    assert not wrong, "\n".join(wrong)


def test_page_fits_twice_its_size(opened, path):
    opened.emulate_media(color_scheme="light", media="screen")
    assert_fits(opened, ZOOMED)


def test_dark_page_prints_as_ink_on_white(opened, path):
    opened.set_viewport_size(DESK)
    opened.emulate_media(color_scheme="dark", media="print")
    assert not (wrong := opened.evaluate(INK)), "\n".join(wrong)
