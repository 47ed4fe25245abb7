// Starts a deck once its formulas and figures are drawn; type that is too large for a slide becomes
// smaller, and a slide that is still too long scrolls.
(function () {
  "use strict";

  const LARGEST = 28, SMALLEST = 18;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const figureOf = (element) => element?.closest?.(".widget");

  function fit(slide) {
    if (!slide.clientHeight) return; // not shown now
    for (let size = LARGEST; size >= SMALLEST; size -= 2) {
      slide.style.fontSize = `${size}px`;
      if (slide.scrollHeight <= slide.clientHeight && slide.scrollWidth <= slide.clientWidth) break;
    }
    // what scrolls must be reached by keys
    slide.tabIndex = slide.scrollHeight > slide.clientHeight ? 0 : -1;
  }

  // Arrow keys belong to the figure that has the focus; Escape and the keys of a remote do not.
  function keysOf(deck) {
    addEventListener("keydown", (event) => {
      if (!figureOf(document.activeElement)) return;
      const turn = { PageDown: () => deck.next(), PageUp: () => deck.prev(), Escape: () => {} }[event.key];
      if (!turn) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      document.activeElement.blur();
      turn();
    }, true);
  }

  // the colours of code are the book's, light or dark by this word; paper is white
  const dark = matchMedia("screen and (prefers-color-scheme: dark)");
  const colour = () => { document.documentElement.dataset.theme = dark.matches ? "dark" : "light"; };
  dark.addEventListener("change", colour);
  colour();

  addEventListener("DOMContentLoaded", async () => {
    await MathJax.startup.promise;
    while (document.documentElement.dataset.widgets !== "drawn") await pause(20);
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    await document.fonts.ready;
    await Reveal.initialize({
      width: 1280,
      height: 720,
      margin: 0,
      center: false,
      hash: true,
      history: false,
      transition: matchMedia("(prefers-reduced-motion: reduce)").matches ? "none" : "fade",
      transitionSpeed: "fast",
      slideNumber: "c/t",
      scrollActivationWidth: null,
      pdfMaxPagesPerSlide: 1,
      keyboardCondition: () => !figureOf(document.activeElement),
      plugins: [RevealNotes],
    });
    keysOf(Reveal);
    const slides = document.querySelectorAll(".slides section:not(.stack)");
    slides.forEach(fit);
    Reveal.on("slidechanged", ({ currentSlide }) => {
      if (figureOf(document.activeElement)) document.activeElement.blur();
      fit(currentSlide);
    });
    document.documentElement.dataset.deck = "ready";
  });
})();
