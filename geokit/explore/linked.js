// A table of distances of many models: two histograms of the coefficient of variation over pairs, a scatter plot of the
// same, and the distances of one pair in each model, linked by the pair that is selected.

/** The two images of a pair, as far as the figure has some: `{ nodes, show(index, pair) }`. */
function drawPictures(view, [, , side]) {
  if (!side) return { nodes: [], show: () => {} };
  const images = [0, 1].map(() => html("img")), data = bytes(view), size = side * side;
  const show = (index, pair) => images.forEach((image, k) => {
    const at = (2 * index + k) * size;
    image.src = picture([data.subarray(at, at + size)], side, (value) => [255 - value, 255 - value, 255 - value, 255]);
    image.alt = `${["First", "Second"][k]} image of pair ${pair}`;
  });
  return { nodes: [html("div", { class: "linked-pair" }, ...images)], show };
}

/** The decoded frames of the pairs that have some, a panel for each model: `{ nodes, show(pair, models) }`. */
function drawFrames(view, [models = 0, , frames, side], pairs, seeds) {
  if (!models) return { nodes: [], show: () => {} };
  const data = bytes(view), size = side * side;
  const panels = seeds.slice(0, models).map((seed) => {
    const drawing = svg("svg", { viewBox: `-8 -8 ${SIZE + 16} 122`, role: "img", "aria-label": `Images that model ${seed} decodes along the straight line and along the geodesic` });
    const rows = [drawStrip(drawing, "straight", "straight line", 2), drawStrip(drawing, "geodesic", "geodesic", 60)];
    return { rows, block: panel("half", `Model ${seed}`, drawing) };
  });
  const which = html("p", { class: "explore-note" }, `Decoded images along the curves are here for ${pairs.length > 1 ? "pairs" : "pair"} ${pairs.join(", ")}.`);
  const show = (pair, count) => panels.forEach(({ rows, block }, k) => {
    const j = pairs.indexOf(pair);
    block.hidden = j < 0 || k >= count;
    if (!block.hidden) rows.forEach((row, i) => row(Array.from({ length: frames }, (_, t) => {
      const at = (((j * models + k) * 2 + i) * frames + t) * size;
      return Array.from(data.subarray(at, at + size), (value) => value / 255);
    })));
  });
  return { nodes: [html("div", { class: "explore-panels" }, ...panels.map(({ block }) => block)), which], show };
}

const TRAITS = ["distances", "pairs", "seeds", "values", "defects", "resolved"];

const OWN = ["geodesic", "straight"]; // these have a colour of their own in the whole book
/** The colours of two distances: a name keeps its own, the first other one has the straight line's if that is free. */
function inksOf(compare) {
  const free = ["straight", "theta"].filter((ink) => !compare.includes(ink));
  return compare.map((name) => (OWN.includes(name) ? name : free.shift()));
}

function chooser(name, distances, choose) {
  const key = html("span", { "aria-hidden": "true" });
  const select = html("select", {}, ...distances.map(([value, words]) => html("option", { value }, words)));
  select.addEventListener("change", () => choose(select.value));
  const show = (value, ink) => {
    select.value = value;
    key.className = `explore-key ink-${ink}`;
  };
  return { row: html("label", {}, html("span", {}, key, name), select), show };
}

function render({ model, el }) {
  const root = stage(el, model.get("label")), get = (name) => model.get(name);
  const table = read(Object.fromEntries(TRAITS.map((name) => [name, get(name)])));
  let now = null, looked = 0; // the model that is looked at is nobody's business but the reader's
  const pick = (p) => change(model, { pair: table.pairs[p] });
  const step = (i, sign) => pick(neighbour(now.cvs[i], now.kept, now.at, sign));
  const choosers = ["First distance", "Second distance"].map((name, i) => chooser(name, table.distances, (chosen) => {
    const before = get("compare"), other = before[1 - i] === chosen ? before[i] : before[1 - i]; // they change places
    change(model, { compare: i ? [other, chosen] : [chosen, other] });
  }));
  const count = slider("Models m", String, [2, table.seeds.length, 1], (models) => change(model, { models }));
  const leave = html("button", { type: "button" }, "Leave out pairs with an unresolved geodesic");
  leave.addEventListener("click", () => change(model, { leave_out: !get("leave_out") }));
  const histograms = drawHistograms(pick, step), scatter = drawScatter(pick, step);
  const models = drawModels((m) => { looked = m; draw(); });
  const pictures = drawPictures(get("pictures"), get("picture_shape"));
  const frames = drawFrames(get("strips"), get("strip_shape"), get("strip_pairs"), table.seeds);
  const numbers = readouts([["Pairs that count"], ["Median of their CVs"], ["Pairs below the diagonal"], ["CV of the selected pair"], ["Geodesics of that pair"], ["Model pointed at"]]);
  const onePair = panel("half", "", models.drawing);
  root.append(
    html("div", { class: "explore-controls" }, ...choosers.map(({ row }) => row)),
    html("div", { class: "explore-controls" }, count.row, leave),
    html("div", { class: "explore-panels" }, panel("half", "All pairs", histograms.drawing), onePair,
      panel("half", "Each pair", scatter.drawing), html("div", { class: "explore-panel explore-half" }, ...pictures.nodes, numbers.list)),
    ...frames.nodes,
    html("p", { class: "explore-note" }, "Select a pair: click a bar, again for its next pair, or a point, or move a grip by hand or arrow keys. Below the diagonal the second distance varies less. Dotted: medians. Shaded: the mean ± one standard deviation. Hollow: an unresolved geodesic. All is computed from the first m models."),
  );

  /** What the table says of the selected pair and of the model that is looked at. */
  function details() {
    const state = Object.fromEntries(["compare", "models", "leave_out", "pair"].map((name) => [name, get(name)]));
    const sum = summary(table, state), at = table.pairs.indexOf(state.pair);
    looked = Math.min(looked, state.models - 1);
    const words = sum.columns.map((d) => table.distances[d][1]);
    const values = sum.columns.map((d) => sum.first.map((m) => table.value(d, at, m)));
    const ratios = values.map((all) => all.map((value) => value / average(all)));
    const defect = table.defect(at, looked), certificate = table.resolved(at, looked) ? "resolved" : "unresolved";
    const modelWords = [
      `Model ${table.seeds[looked]}: geodesic ${certificate}${Number.isNaN(defect) ? "" : `, defect ${defect.toExponential(1).replace("-", "−")}`}`,
      ...words.map((name, i) => `${name} ${values[i][looked].toPrecision(4)}, ${text(ratios[i][looked], 2)} of its mean`),
    ].join("\n");
    return { ...sum, ...state, at, words, ratios, model: looked, modelWords, inks: inksOf(state.compare), resolvedIn: sum.first.map((m) => table.resolved(at, m)) };
  }
  function draw() {
    now = details();
    const { words, inks, kept, below, models: m } = now, bad = now.unresolved[now.at], all = table.pairs.length;
    choosers.forEach(({ show }, i) => show(now.compare[i], inks[i]));
    count.show(m, m);
    leave.setAttribute("aria-pressed", String(now.leave_out));
    [histograms, scatter, models].forEach(({ show }) => show(now));
    pictures.show(now.at, now.pair);
    frames.show(now.pair, m);
    onePair.firstChild.textContent = `Pair ${now.pair}`;
    const both = (values) => words.map((name, i) => `${name} ${short(values[i])}`).join("\n");
    numbers.show([
      `${kept.length} of ${all}${now.leave_out ? "\nunresolved left out" : ""}`,
      both(now.medians),
      kept.length ? `${below} of ${kept.length}, ${text((100 * below) / kept.length, 1)}\u00a0%` : "–",
      `Pair ${now.pair}\n${both(now.cvs.map((cv) => cv[now.at]))}`,
      `${m - bad} of ${m} resolved${bad && now.leave_out ? "\nleft out" : ""}`,
      now.modelWords,
    ]);
  }
  const CHANGES = "change:pair change:compare change:models change:leave_out";
  model.on(CHANGES, draw);
  draw();
  return () => model.off(CHANGES, draw);
}

export default { render };
