// The curve γ_s(t) = (t², t³ − s t): its speed, the walk between two codes, and the defects of their pairs.

const LIMIT = 1.1, KNOB = [-0.5, 1]; // of the codes, of the knob
const CODES = range(-LIMIT, LIMIT, 88); // 0.025 apart: among these, and ±√s, the largest defect is sought
const SHARED = 1e-9; // images nearer than this are one
const NODES = [[0, 4 / 9], [-Math.sqrt(0.6), 5 / 18], [Math.sqrt(0.6), 5 / 18]]; // three of Gauss, weights of sum 1
const EDGES = [...range(0, 60, 60).map((k) => 2 ** (-k / 4)), 0]; // shares of t, finer towards 0, where a cusp may be

const image = (s, t) => [t * t, t * (t * t - s)];
const speed = (s, t) => hypot(2 * t, 3 * t * t - s);
/** The codes that share an image, [−√s, √s], or none. */
const twins = (s) => (s > 0 ? [-Math.sqrt(s), Math.sqrt(s)] : []);

/** The code t ≥ 0 of least speed, and that speed: |γ′|² is a parabola in t². The code −t has the same. */
function least(s) {
  const t = Math.sqrt(Math.max(3 * s - 2, 0)) / 3;
  return [t, speed(s, t)];
}

/** How long the curve is from 0 to t, with the sign of t. */
function reach(s, t) {
  let sum = 0;
  for (let i = 1; i < EDGES.length; i += 1) {
    const far = t * EDGES[i - 1], near = t * EDGES[i], half = (far - near) / 2;
    for (const [x, w] of NODES) sum += (far - near) * w * speed(s, near + half * (1 + x));
  }
  return sum;
}

/** The decoded chord of two codes, the length of the way from one to the other, and the defect 1 − chord / way. */
function compare([x, from], [y, to]) {
  const chord = hypot(x[0] - y[0], x[1] - y[1]), way = Math.abs(from - to);
  return [chord, way, clamp(1 - (way ? chord / way : 0), 0, 1)];
}
const at = (s, t) => [image(s, t), reach(s, t)];
const pair = (s, t, u) => compare(at(s, t), at(s, u));

/** The largest defect of two codes of the interval, and these two. */
function largest(s) {
  const codes = [...twins(s), ...CODES], places = codes.map((t) => at(s, t));
  let found = [-1];
  places.forEach((p, i) => places.slice(0, i).forEach((q, j) => {
    const defect = codes[i] === codes[j] ? -1 : compare(p, q)[2];
    if (defect > found[0]) found = [defect, ...[codes[j], codes[i]].sort((t, u) => t - u)];
  }));
  return found;
}

export const math = { LIMIT, KNOB, CODES, image, speed, twins, least, reach, pair, largest };

const WIDE = 136, FLOOR = 150, LINE = 205, UNIT = 92; // a latent unit, the speed 0, the latent line; a data unit
const STEP = 0.05, SNAP = 0.03;
const onLine = (t) => [WIDE * t, LINE];
const onGraph = (s, t) => [WIDE * t, FLOOR - 70 * speed(s, t)];
const onPlane = ([x, y]) => [UNIT * x, -UNIT * y];
const rings = (points, r) => points.map(([x, y]) => `M${point([x - r, y])}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0`).join("");
const between = (t, u) => range(t, u, 120);
const word = (x, y, words, anchor = "middle") => svg("text", { x, y, "text-anchor": anchor }, words);

/** The latent line with the two codes, and above it the speed with which the curve is walked. */
function drawLine() {
  const drawing = svg("svg", { viewBox: "-160 -20 320 262", role: "group", "aria-label": "The latent line with the codes t₁ and t₂, and above it the speed of the curve at each code" });
  const graph = pane(-WIDE * LIMIT, 0, 2 * WIDE * LIMIT, FLOOR + 6);
  const [dot, line] = ["least", "curve"].map((kind) => graph.appendChild(svg("path", { class: kind })));
  drawing.append(svg("path", { class: "grid", d: [0, 1, 2].map((v) => `M-150,${FLOOR - 70 * v}h300`).join("") }), graph, word(-150, -6, "singular value |γ′(t)|: lines at 0, 1, 2", "start"));
  drawing.append(svg("path", { class: "rim", d: `M-150,${LINE}h300` }), ...[-1, -0.5, 0, 0.5, 1].map((t) => word(WIDE * t, LINE + 33, text(t, 1))));
  const [way, ring] = ["geodesic", "alarm"].map((kind) => drawing.appendChild(svg("path", { class: kind })));
  const said = drawing.appendChild(word(0, LINE - 24, ""));
  const show = (s, t, u, bad) => {
    line.setAttribute("d", path(between(-LIMIT, LIMIT).map((v) => onGraph(s, v))));
    dot.setAttribute("d", rings([least(s)[0], -least(s)[0]].map((v) => onGraph(s, v)), 5));
    way.setAttribute("d", path([t, u].map(onLine)));
    ring.setAttribute("d", rings(bad.map(onLine), 12));
    said.textContent = ["", "no speed here", "two codes, one image"][bad.length];
  };
  return { drawing, show };
}

/** The curve in the plane, with the images of the two codes. */
function drawCurve() {
  const drawing = svg("svg", { viewBox: "-45 -190 210 380", role: "img", "aria-label": "The curve in the plane, the way from one image to the other along it, and the chord between them" });
  drawing.append(svg("path", { class: "grid", d: "M-40,0H150M0,-180V180" }), word(152, 16, "x₁", "end"), word(-6, -170, "x₂", "end"));
  const [curve, way, chord, ring, dots] = ["curve", "geodesic", "straight", "alarm", "image"].map((kind) => drawing.appendChild(svg("path", { class: kind })));
  const ends = ["1", "2"].map((name) => drawing.appendChild(badge(name)));
  const show = (s, t, u, bad) => {
    const line = (from, to) => path(between(from, to).map((v) => onPlane(image(s, v))));
    const images = [t, u].map((v) => onPlane(image(s, v)));
    curve.setAttribute("d", line(-LIMIT, LIMIT));
    way.setAttribute("d", line(t, u));
    chord.setAttribute("d", path(images));
    ring.setAttribute("d", rings(bad.slice(0, 1).map((v) => onPlane(image(s, v))), 9));
    dots.setAttribute("d", rings(images, 3.5));
    const up = images[0][1] <= images[1][1] ? [-20, 20] : [20, -20]; // the upper one above, so that the loop stays free
    images.forEach(([x, y], i) => setAt(ends[i], [x, y + up[i]]));
  };
  return { drawing, show };
}

function render({ model, el }) {
  const root = stage(el, model.get("label")), line = drawLine(), curve = drawCurve(), get = (name) => model.get(name);
  const move = (name, t) => change(model, { [name]: clamp(t, -LIMIT, LIMIT) });
  const grips = ["t2", "t1"].map((name) => [name, handle(line.drawing, {
    name: `Code t${name === "t1" ? "₁" : "₂"}`, mark: name[1], bounds: [-LIMIT, LIMIT],
    drag: ([x]) => move(name, twins(get("s")).find((t) => Math.abs(t - x / WIDE) < SNAP) ?? Math.round((100 * x) / WIDE) / 100),
    step: ([dx, dy]) => move(name, Math.round(1e6 * (get(name) + STEP * (dx - dy))) / 1e6),
  })]);
  const knob = html("input", { type: "range", min: KNOB[0], max: KNOB[1], step: 0.01 }), said = html("output");
  knob.addEventListener("input", () => change(model, { s: clamp(Math.round(100 * knob.valueAsNumber) / 100, ...KNOB) }));
  const numbers = readouts([["Smallest singular value"], ["Largest defect of two codes"], ["Defect of t₁ and t₂"], ["Decoded chord", "straight"], ["Length of the way", "geodesic"]]);
  root.append(
    html("div", { class: "explore-controls" }, html("label", {}, html("span", {}, "Knob s"), knob, said)),
    html("div", { class: "explore-panels" }, panel("plane", "The latent line", line.drawing), panel("globe", "Its image under γₛ", curve.drawing)),
    numbers.list,
    html("p", { class: "explore-note" }, "Solid: the way from t₁ to t₂, on the line and on the curve. Dashed: the chord of their images. Dots on the graph: the least speed. Rings: what fails, and where. The largest defect is that among codes 0.025 apart and ±√s, where a dragged code snaps."),
  );
  const light = (i, holds) => numbers.list.children[i].setAttribute("data-said", holds ? "holds" : "fails");
  function draw() {
    const [s, t, u] = ["s", "t1", "t2"].map(get), [where, slow] = least(s), [worst, ...codes] = largest(s), [chord, way, defect] = pair(s, t, u);
    const bad = slow ? twins(s) : [0];
    [line, curve].forEach(({ show }) => show(s, t, u, bad));
    grips.forEach(([name, put]) => put(...onLine(get(name)), get(name), `t = ${text(get(name), 3)}`));
    knob.value = s;
    knob.setAttribute("aria-valuetext", said.textContent = text(s));
    light(0, slow > 0);
    light(1, !twins(s).length);
    light(2, t === u || chord > SHARED);
    numbers.show([
      `${text(slow, 3)}\nat t = ${where ? "±" : ""}${text(where)}\n${slow ? "A3 holds: full rank" : "A3 fails: rank 0"}`,
      `${text(worst, 3)}\nat ${codes.map((v) => text(v, 3)).join(" and ")}\n${twins(s).length ? "A2 fails: one image" : "A2 holds: injective"}`,
      t === u ? "–\none code" : `${text(defect, 3)}\n${chord > SHARED ? "two images" : "one image: A2 fails here"}`,
      text(chord, 3), text(way, 3),
    ]);
  }
  const CHANGES = "change:s change:t1 change:t2";
  model.on(CHANGES, draw);
  draw();
  return () => model.off(CHANGES, draw);
}

export default { render };
