"""Every built page is drawn whole over http, alone, and can be used by everyone.

axe-core finds no violation of any level on it in light and dark; it fits a phone, twice its size
and paper.
"""

import pytest
from pages import DESK, violations

pytestmark = pytest.mark.browser

# a zoom of 200 % leaves a desk's screen half as many pixels to lay the page out in
SIZES = {"phone": {"width": 390, "height": 844}, "zoomed": {"width": 640, "height": 450}}

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


@pytest.fixture
def take(opened, path, screenshots):
    """Keep a picture of the whole page under the name of how it was looked at."""
    name = path.removesuffix(".html").replace("/", "-")
    return lambda how: opened.screenshot(path=screenshots / f"{name}-{how}.png", full_page=True)


def test_page_is_whole_over_http(opened, path):
    assert not opened.wrong, "\n".join(opened.wrong)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_page_is_accessible_in_light_and_dark(opened, path, scheme, take):
    opened.set_viewport_size(DESK)
    opened.emulate_media(color_scheme=scheme, media="screen")
    opened.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
    opened.wait_for_timeout(300)  # colours fade from one to the other
    take(scheme)
    wrong = violations(opened)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("size", SIZES)
def test_page_fits_a_phone_and_twice_the_size(opened, path, size, take):
    opened.emulate_media(color_scheme="light", media="screen")
    opened.set_viewport_size(SIZES[size])
    opened.evaluate("scrollTo(1000, 0)")
    assert opened.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    assert opened.evaluate("scrollX") == 0
    take(size)


def test_dark_page_prints_as_ink_on_white(opened, path):
    opened.set_viewport_size(DESK)
    opened.emulate_media(color_scheme="dark", media="print")
    opened.wait_for_timeout(300)  # links fade from one colour to the other
    assert not (wrong := opened.evaluate(INK)), "\n".join(wrong)
