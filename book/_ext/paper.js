// What pdf.py asks of a page: to wait until it is drawn, to hand out its article, and to fit the book to its paper.
Object.assign(globalThis, {
  async drawn() {
    const until = async (ready) => { while (!ready()) await new Promise((wake) => setTimeout(wake, 20)); };
    if (document.querySelector(".bd-article .math")) {
      await until(() => window.MathJax?.startup?.promise);
      await MathJax.startup.promise;
    }
    if (document.querySelector('script[type$="widget-view+json"]'))
      await until(() => document.documentElement.dataset.widgets === "drawn");
    await document.fonts.ready;
  },

  // The article as it stands, all that was folded open, with ids and links that hold in one document of all pages.
  article({ site, pages }) {
    const article = document.querySelector(".bd-article");
    const anchor = (url) => {
      const path = decodeURI(url.href.replace(/[?#].*/, "")).slice(decodeURI(site).length).replace(/\.html$/, "");
      return pages.includes(path) ? `${path}${url.hash && "/"}${decodeURIComponent(url.hash).slice(1)}` : null;
    };
    const here = anchor(new URL(location.pathname, location.href));

    // MathJax draws glyphs by style alone, and what is no element gets no tag. As elements they can carry one: the
    // formula is then read aloud by its source. The style changes accordingly, at the end.
    for (const glyph of article.querySelectorAll("mjx-c")) {
      const drawn = getComputedStyle(glyph, "::before").content;
      if (drawn.startsWith('"')) glyph.append(Object.assign(document.createElement("mjx-g"), { textContent: JSON.parse(drawn) }));
    }
    for (const { typesetRoot, math } of window.MathJax?.startup?.document?.math ?? []) {
      typesetRoot.setAttribute("role", "img");
      typesetRoot.setAttribute("aria-label", math.trim());
      typesetRoot.firstElementChild.removeAttribute("aria-hidden");
    }
    for (const control of article.querySelectorAll("input")) { // what is chosen is no attribute yet
      control.setAttribute("value", control.value);
      control.toggleAttribute("checked", control.checked);
    }
    for (const option of article.querySelectorAll("option")) option.toggleAttribute("selected", option.selected);
    for (const fold of article.querySelectorAll("details")) fold.open = true;
    const idle = "script, noscript, .headerlink, mjx-assistive-mml";
    for (const element of article.querySelectorAll(idle)) element.remove();

    for (const link of article.querySelectorAll("a[href]")) {
      const url = new URL(link.getAttribute("href"), location.href); // a link in a drawing has no plain href
      if (!url.href.startsWith(site)) continue;
      const target = anchor(url);
      if (target) link.setAttribute("href", `#${target}`); else link.removeAttribute("href"); // a file beside the pages
    }
    const named = ["for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "list", "name"];
    for (const element of article.querySelectorAll("*")) {
      if (element.id) element.id = `${here}/${element.id}`;
      for (const { name, value } of [...element.attributes]) {
        if (named.includes(name) && (name !== "name" || element.type === "radio"))
          element.setAttribute(name, value.trim().split(/\s+/).map((id) => `${here}/${id}`).join(" "));
        else if (value.includes("url(#"))
          element.setAttribute(name, value.replace(/url\(#/g, `url(#${here}/`));
        else if (name.endsWith("href") && element.tagName.toUpperCase() !== "A" && value.startsWith("#"))
          element.setAttribute(name, `#${here}/${value.slice(1)}`);
      }
    }
    for (const image of article.querySelectorAll("img")) image.setAttribute("src", image.src);

    for (const heading of article.querySelectorAll("h1, h2, h3, h4, h5")) // parts come first in the outline
      heading.setAttribute("aria-level", Number(heading.tagName[1]) + 1);
    const sections = [...article.querySelectorAll("h1, h2")].map((heading) =>
      [Number(heading.tagName[1]), heading.textContent.trim(), heading.tagName === "H1" ? here : heading.closest("section").id]);
    const written = document.querySelectorAll("#MJX-CHTML-styles, style.widget-style"); // by the formulas and figures
    const rules = [...written].flatMap(({ sheet }) => [...sheet.cssRules]);
    return {
      html: article.innerHTML,
      sections,
      rules: rules.map((rule) => rule.cssText.replaceAll("::before", " > mjx-g")), // see above
      sheets: [...document.querySelectorAll("link[rel=stylesheet]")].map((link) => link.href),
    };
  },

  // Writes the page numbers into the contents; gives its lines, for bookmarks: depth, title, anchor.
  contents(pages) {
    return [...document.querySelectorAll(".book-contents a")].map((link) => {
      const anchor = decodeURIComponent(link.hash.slice(1));
      link.dataset.page = pages[anchor];
      return [Number(link.parentElement.className.slice(-1)), link.textContent, anchor];
    });
  },

  // What is wider than the page is drawn smaller; what was is said by the number of them.
  fit() {
    const boxes = [...document.querySelectorAll(
      "mjx-container[display=true], .bd-article table, .widget-static, .bd-article pre, .bd-article svg")];
    const wide = boxes.map((box) => {
      const room = box.closest("td, .bd-article").clientWidth, inner = box.getBoundingClientRect();
      const left = inner.left - box.closest(".bd-article").getBoundingClientRect().left;
      return [box, (room - left) / Math.max(box.scrollWidth, inner.width)];
    }).filter(([, share]) => share > 0 && share < 0.995);
    for (const [box, share] of wide) box.style.zoom = share;
    // kept whole, a long box would leave half a page empty before it
    for (const box of document.querySelectorAll(".bd-article :is(.cell_input, .output pre, .admonition)"))
      if (box.clientHeight > 300) box.style.breakInside = "auto";
    return wide.length;
  },
});
