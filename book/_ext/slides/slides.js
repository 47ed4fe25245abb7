// Starts a deck. Formulas and figures are drawn while all slides are laid out one below the other;
// then each is made to fit its slide, and reveal.js takes over.
(function () {
  "use strict";

  const LARGEST = 1.25, SMALLEST = 0.5, STEP = 0.05, SQUARISH = 1.4;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const figureOf = (element) => element?.closest?.(".widget");

  // As large as fits: smaller type has longer lines, so its width grows as its scale falls.
  function fit(content) {
    const room = content.parentElement, width = room.clientWidth, height = room.clientHeight;
    if (!width) return; // not shown now
    const grows = content.querySelector("figure, .lead") ? 1 : LARGEST;
    for (let scale = grows; ; scale = Math.max(SMALLEST, scale - STEP)) {
      content.style.width = `${width / scale}px`;
      content.style.setProperty("--room", `${height / scale}px`);
      content.dataset.scale = scale.toFixed(2);
      const fits = content.scrollHeight * scale <= height + 0.5 && content.scrollWidth * scale <= width + 1;
      if (fits || scale <= SMALLEST) {
        content.style.transform = scale === 1 ? "" : `scale(${scale})`;
        content.querySelectorAll(".picture").forEach(fill);
        return;
      }
    }
  }

  // CSS alone would not let a picture grow without stretching its box
  function fill(picture) {
    const image = picture.firstElementChild, { naturalWidth: wide, naturalHeight: high } = image;
    const scale = Math.min(picture.clientWidth / wide, picture.clientHeight / high);
    Object.assign(image.style, { width: `${wide * scale}px`, height: `${high * scale}px` });
  }

  // the window with the notes knows no MathJax, but every browser knows MathML
  function formulasOfNotes() {
    for (const formula of document.querySelectorAll("aside.notes .tex")) {
      const tex = formula.textContent.replace(/^\s*\\[([]|\\[)\]]\s*$/g, "");
      formula.innerHTML = MathJax.tex2mml(tex, { display: formula.localName === "div" });
    }
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
    deck.on("slidechanged", () => figureOf(document.activeElement) && document.activeElement.blur());
  }

  async function main() {
    const contents = [...document.querySelectorAll(".content")];
    await MathJax.startup.promise;
    formulasOfNotes();
    while (document.documentElement.dataset.widgets !== "drawn") await pause(20);
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    await document.fonts.ready;
    for (const { naturalWidth, naturalHeight, parentElement } of document.querySelectorAll(".picture img"))
      parentElement.parentElement.classList.toggle("beside", naturalWidth < SQUARISH * naturalHeight);
    contents.forEach(fit);
    document.documentElement.classList.remove("preparing");
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
    // a figure says more when it is used, or is shown for the first time
    const watcher = new ResizeObserver((changes) => requestAnimationFrame(() => changes.forEach((change) => {
      const content = change.target.closest(".content");
      if (content.scrollHeight * content.dataset.scale > content.parentElement.clientHeight + 0.5) fit(content);
    })));
    document.querySelectorAll(".widget-static").forEach((figure) => watcher.observe(figure));
    document.documentElement.dataset.deck = "ready";
  }

  addEventListener("DOMContentLoaded", main);
})();
