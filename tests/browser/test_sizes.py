"""Every built page fits a phone, twice its size, and paper."""

import pytest
from pages import open_whole

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 640, "height": 450}

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


def test_page_fits_a_phone_and_twice_the_size(page, address, path, take):
    """A zoom of 200 % leaves a desk's screen half as many pixels to lay the page out in."""
    page.set_viewport_size(PHONE)
    open_whole(page, f"{address}/{path}")
    take("phone")
    for size in (PHONE, ZOOMED):
        page.set_viewport_size(size)
        page.evaluate("scrollTo(1000, 0)")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert page.evaluate("scrollX") == 0


def test_dark_page_prints_as_ink_on_white(page, address, path):
    page.emulate_media(color_scheme="dark")
    open_whole(page, f"{address}/{path}")
    page.emulate_media(color_scheme="dark", media="print")
    page.wait_for_timeout(300)  # links fade from one colour to the other
    assert not (wrong := page.evaluate(INK)), "\n".join(wrong)
