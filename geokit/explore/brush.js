// Three drawings of a `summary`, linked by the pair that is selected in them. Each gives `{ drawing, show(summary) }`, where
// the summary also has `at` and `pair`, index and number of the selected pair, `words` and `inks` of both distances.

const LEFT = 34, RIGHT = 312, WIDE = RIGHT - LEFT;
const short = (x) => (Number.isNaN(x) ? "–" : x >= LEAST && x < 0.01 ? x.toExponential(1).replace("-", "−") : text(x, 3));
const circle = ([x, y], r) => `M${point([x - r, y])}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0`;
const bar = (x, top, width, floor) => `M${point([x, floor])}V${top.toFixed(2)}h${width.toFixed(2)}V${floor}Z`;
/** `act([x, y], event)` for what happens on the ground of a drawing, or on a grip that covers it. */
const onDrawing = (drawing, kind, act) => drawing.addEventListener(kind, (event) => {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
  if (event.target.closest(".handle, .linked-hits")) act([x, y], event);
});
const inky = (node, kind, ink) => node.setAttribute("class", `${kind} ink ink-${ink}`);

/** Numbers at an axis: `show(places, words)`. */
function ticks(drawing, at, attributes = {}) {
  const group = drawing.appendChild(svg("g", attributes));
  return (places, words) => group.replaceChildren(...places.map((place, i) => {
    const [x, y] = at(place);
    return svg("text", { x: x.toFixed(1), y: y.toFixed(1) }, words[i]);
  }));
}
/** From 0 to `high` in three to six round steps, and how they are written. */
function scale(high) {
  const step = nice(high / 6), digits = (String(Number(step.toPrecision(2))).split(".")[1] ?? "").length;
  const places = Array.from({ length: Math.floor(high / step + 1e-9) + 1 }, (_, k) => k * step);
  return [places, places.map((x) => (x && step < 1e-3 ? x.toExponential(1).replace("-", "−") : text(x, digits)))];
}

/** Both histograms on one axis, and below it a lane for each, with all pairs and a grip for the selected one. */
function drawHistograms(pick, step) {
  const [top, floor] = [40, 190], lanes = [209, 233];
  const drawing = svg("svg", { viewBox: "0 0 330 280", role: "group", "aria-label": "Two histograms of the coefficient of variation over the pairs, on the same bins, with their medians dotted; the bars of the selected pair are marked, and below are all pairs of each distance" });
  const hits = svg("rect", { x: LEFT, y: top, width: WIDE, height: floor - top, class: "linked-hits" });
  const layer = () => [0, 1].map(() => drawing.appendChild(svg("path")));
  const bars = layer(), here = layer(), medians = layer(), rugs = layer();
  const names = [14, 30].map((y) => drawing.appendChild(svg("text", { x: LEFT + 42, y })));
  const keys = [10, 26].map((y) => drawing.appendChild(svg("path", { d: bar(LEFT + 8, y - 5, 26, y + 5) })));
  drawing.append(svg("path", { class: "frame", d: `M${LEFT},${floor}H${RIGHT}` }),
    svg("text", { x: RIGHT, y: 275, "text-anchor": "end" }, "coefficient of variation"), svg("text", { x: 0, y: 14 }, "pairs"));
  let now = null, x = null;
  const pairAt = (place) => (place - LEFT) / WIDE * now.high;
  const grips = lanes.map((y, i) => {
    const lane = drawing.appendChild(svg("g"));
    const put = handle(lane, {
      name: `Pair, in the order of its ${["first", "second"][i]} coefficient of variation`, bounds: [0, 1],
      drag: ([at]) => now.kept.length && pick(nearest(now.kept, (p) => Math.abs(now.cvs[i][p] - pairAt(at)))),
      step: ([dx, dy]) => step(i, Math.sign(dx - dy)),
    });
    return { lane, put };
  });
  const across = ticks(drawing, (cv) => [x(cv), 256], { "text-anchor": "middle" });
  const up = ticks(drawing, (n) => [LEFT - 5, y(n) + 4], { "text-anchor": "end" });
  let highest = 1;
  const y = (n) => floor - (floor - top) * n / highest;
  drawing.append(hits);
  onDrawing(drawing, "click", ([right, down]) => {
    if (down > floor) return; // on a lane
    const k = now.bin(pairAt(right)), tall = now.counts.map((counts) => counts[k]);
    const reached = [0, 1].filter((i) => tall[i] && y(tall[i]) <= down + 1); // the lower bar is in front
    const i = reached.length ? nearest(reached, (j) => tall[j]) : nearest([0, 1], (j) => -tall[j]);
    const inside = now.kept.filter((p) => now.bin(now.cvs[i][p]) === k);
    if (inside.length) pick(inside[(inside.indexOf(now.at) + 1) % inside.length]); // again: the next pair of that bar
  });
  const show = (sum) => {
    now = sum;
    highest = Math.max(1, ...sum.counts.flat());
    x = (cv) => LEFT + WIDE * clamp(cv / sum.high, 0, 1);
    const width = WIDE * sum.width / sum.high, column = (i, k) => bar(LEFT + k * width, y(sum.counts[i][k]), width, floor);
    [0, 1].forEach((i) => {
      const ink = sum.inks[i], cv = sum.cvs[i][sum.at], counted = sum.kept.includes(sum.at);
      [[bars, "bars"], [here, "bars here"], [keys, "bars"], [medians, "median"], [rugs, "rug"]].forEach(([nodes, kind]) => inky(nodes[i], kind, ink));
      bars[i].setAttribute("d", sum.counts[i].map((n, k) => (n ? column(i, k) : "")).join(""));
      here[i].setAttribute("d", counted ? column(i, sum.bin(cv)) : "");
      medians[i].setAttribute("d", sum.kept.length ? `M${x(sum.medians[i]).toFixed(2)},${top - 4}V${floor}` : "");
      rugs[i].setAttribute("d", sum.kept.map((p) => `M${point([x(sum.cvs[i][p]), lanes[i] - 5])}v10`).join(""));
      names[i].textContent = `${sum.words[i]}, median ${short(sum.medians[i])}`;
      inky(grips[i].lane, "lane", ink);
      grips[i].put(x(cv), lanes[i], cv / sum.high, `pair ${sum.pair}, ${sum.words[i]} ${short(cv)}`);
    });
    const low = nearest([0, 1], (i) => sum.counts[i][sum.bin(sum.cvs[i][sum.at])]);
    here[1 - low].after(here[low]); // in one bin the lower bar is in front
    across(...scale(sum.high));
    const whole = nice(Math.max(highest / 3, 1)), n = Array.from({ length: Math.floor(highest / Math.ceil(whole)) + 1 }, (_, k) => k * Math.ceil(whole));
    up(n, n.map(String));
  };
  return { drawing, show };
}

/** One point a pair, both coefficients of variation on the same scale, and the diagonal. */
function drawScatter(pick, step) {
  const [top, floor] = [8, 8 + WIDE];
  const drawing = svg("svg", { viewBox: "0 0 330 330", role: "group", "aria-label": "Scatter plot: one point for each pair, across by its first and up by its second coefficient of variation, with the diagonal, below which the second is lower" });
  let now = null;
  const at = (p) => [LEFT + WIDE * clamp(now.cvs[0][p] / now.high, 0, 1), floor - WIDE * clamp(now.cvs[1][p] / now.high, 0, 1)];
  const to = ([x, y]) => now.kept.length && pick(nearest(now.kept, (p) => hypot(at(p)[0] - x, at(p)[1] - y)));
  const ground = svg("rect", { x: LEFT, y: top, width: WIDE, height: WIDE, class: "linked-hits" });
  const dots = svg("path", { class: "dots" }), hollow = svg("path", { class: "dots hollow" });
  const across = svg("text", { x: RIGHT, y: floor + 37, "text-anchor": "end" }), up = svg("text", { x: LEFT + 8, y: top + 16 });
  drawing.append(svg("rect", { x: LEFT, y: top, width: WIDE, height: WIDE, class: "frame" }),
    svg("path", { class: "frame", d: `M${LEFT},${floor}L${RIGHT},${top}` }), dots, hollow, ground, across, up);
  const right = ticks(drawing, (cv) => [LEFT + WIDE * cv / now.high, floor + 18], { "text-anchor": "middle" });
  const left = ticks(drawing, (cv) => [LEFT - 4, floor - WIDE * cv / now.high + 4], { "text-anchor": "end" });
  onDrawing(drawing, "click", to);
  const put = handle(drawing.appendChild(svg("g", { class: "chosen" })), {
    name: "Pair", bounds: [0, 1], drag: to,
    step: ([dx, dy]) => (dx ? step(0, Math.sign(dx)) : step(1, -Math.sign(dy))),
  });
  const show = (sum) => {
    now = sum;
    const draw = (node, pairs) => node.setAttribute("d", pairs.map((p) => circle(at(p), 3.5)).join(""));
    draw(dots, sum.kept.filter((p) => !sum.unresolved[p]));
    draw(hollow, sum.kept.filter((p) => sum.unresolved[p]));
    across.textContent = `CV: ${sum.words[0]} →`;
    up.textContent = `↑ CV: ${sum.words[1]}`;
    const cv = sum.cvs.map((values) => values[sum.at]), [places, words] = scale(sum.high);
    right(places, words);
    left(places, words);
    put(...at(sum.at), cv[0] / sum.high, `pair ${sum.pair}: ${sum.words.map((name, i) => `${name} ${short(cv[i])}`).join(", ")}`);
  };
  return { drawing, show };
}

/** The distances of one pair, a dot for each model, over their mean: a row for each distance, its CV shaded. */
function drawModels(look) {
  const rows = [[44, 136], [174, 266]];
  const drawing = svg("svg", { viewBox: "0 0 320 320", role: "group", "aria-label": "The distances of the selected pair in each model, divided by their mean, a row for each of the two distances; shaded: the mean and one standard deviation to either side" });
  let now = null;
  const x = (ratio) => 24 + 272 * (ratio - now.low) / (now.top - now.low);
  const at = (i, m) => [x(now.ratios[i][m]), rows[i][0] + (rows[i][1] - rows[i][0]) * (m + 0.5) / now.first.length];
  const near = ([a, b]) => (m) => Math.min(...[0, 1].map((i) => hypot(at(i, m)[0] - a, at(i, m)[1] - b)));
  const to = (place, within = Infinity) => {
    const m = nearest(now.first, near(place));
    if (near(place)(m) <= within) look(m);
  };
  const hits = svg("rect", { x: 0, y: 30, width: 320, height: 246, class: "linked-hits" });
  const layer = () => [0, 1].map(() => drawing.appendChild(svg("path")));
  const shades = layer(), dots = layer(), hollow = layer();
  const mean = svg("path", { class: "frame" }), ring = svg("path", { class: "ring" });
  const names = rows.map(([top]) => svg("text", { x: 8, y: top - 8 }));
  drawing.append(mean, ring, ...names, hits, svg("text", { x: RIGHT, y: 315, "text-anchor": "end" }, "distance over its mean"));
  const across = ticks(drawing, (ratio) => [x(ratio), 294], { "text-anchor": "middle" });
  onDrawing(drawing, "pointermove", (place, { pointerType }) => pointerType === "mouse" && to(place, 14));
  onDrawing(drawing, "click", (place) => to(place));
  const put = handle(drawing.appendChild(svg("g", { class: "open" })), {
    name: "Model", bounds: [0, 1], drag: (point) => to(point),
    step: ([dx, dy]) => look(clamp(now.model + Math.sign(dx + dy), 0, now.first.length - 1)),
  });
  const show = (sum) => {
    const reach = nice(Math.max(LEAST, ...sum.ratios.flat().map((ratio) => Math.abs(ratio - 1))));
    now = { ...sum, low: Math.max(0, 1 - reach), top: 1 + reach };
    const open = (i, m) => sum.compare[i] === "geodesic" && !sum.resolvedIn[m];
    const draw = (i, models) => models.map((m) => circle(at(i, m), 4)).join("");
    rows.forEach(([top, floor], i) => {
      const cv = sum.cvs[i][sum.at], [low, high] = [Math.max(now.low, 1 - cv), 1 + cv];
      [[shades, "spread"], [dots, "dots"], [hollow, "dots hollow"]].forEach(([nodes, kind]) => inky(nodes[i], kind, sum.inks[i]));
      shades[i].setAttribute("d", `M${point([x(low), top])}H${x(high).toFixed(2)}V${floor}H${x(low).toFixed(2)}Z`);
      dots[i].setAttribute("d", draw(i, sum.first.filter((m) => !open(i, m))));
      hollow[i].setAttribute("d", draw(i, sum.first.filter((m) => open(i, m))));
      names[i].textContent = `${sum.words[i]}, CV ${short(cv)}`;
    });
    mean.setAttribute("d", rows.map(([top, floor]) => `M${x(1).toFixed(2)},${top}V${floor}`).join(""));
    ring.setAttribute("d", circle(at(0, sum.model), 7.5));
    const places = [now.low, 1, now.top];
    across(places, places.map((ratio) => (reach < 1e-3 && ratio !== 1 ? `${ratio < 1 ? "−" : "+"}${short(reach)}` : text(ratio, reach < 0.02 ? 3 : 2))));
    put(...at(1, sum.model), sum.model / (sum.first.length - 1), sum.modelWords.replaceAll("\n", ", "));
  };
  return { drawing, show };
}
