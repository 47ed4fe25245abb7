// Parts that the figures share: elements, the sphere, its great circles and its view from afar, points one can move.

const { PI, sin, cos, hypot } = Math;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const dot = (x, y) => x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
const cross = (x, y) => [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
const mix = (x, y, p, q) => x.map((value, k) => p * value + q * y[k]); // px + qy
const range = (low, high, steps) => Array.from({ length: steps + 1 }, (_, i) => low + ((high - low) * i) / steps);
const text = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

/** Tells the page, and Python where there is a kernel, what the reader has changed. */
function change(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

// --- elements -------------------------------------------------------------------------------------

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
const html = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

/** The figure's own element inside `el`: named, and deaf to the notebook's keyboard shortcuts. */
function stage(el, label) {
  const root = html("div", { class: "explore", "data-lm-suppress-shortcuts": "true" });
  if (!el.hasAttribute("aria-label")) fill(root, { role: "group", "aria-label": label }, []);
  el.append(root);
  return root;
}

/** Part of a drawing that cuts what leaves it. */
const pane = (x, y, width, height) => svg("svg", { x, y, width, height, viewBox: `${x} ${y} ${width} ${height}` });

/** What fits points of the plane, y upwards, into a box about the origin, y downwards. */
function fitted(points, [width, height], margin) {
  const [low, high] = [Math.min, Math.max].map((f) => [0, 1].map((k) => f(...points.map((p) => p[k]))));
  const scale = Math.min((width - 2 * margin) / (high[0] - low[0]), (height - 2 * margin) / (high[1] - low[1]));
  const middle = mix(low, high, 0.5, 0.5);
  return {
    scale,
    to: (p) => [scale * (p[0] - middle[0]), -scale * (p[1] - middle[1])],
    from: ([x, y]) => [x / scale + middle[0], -y / scale + middle[1]],
  };
}

const setAt = (node, [x, y]) => node.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
/** A named point that cannot be moved by hand. */
const badge = (name) => svg("g", { class: "end" }, svg("circle", { r: 8.5, class: "knob" }), svg("text", { y: 3.8 }, name));

const panel = (kind, title, drawing) =>
  html("div", { class: `explore-panel explore-${kind}` }, html("p", { class: "explore-title" }, title), drawing);

/** A list of named numbers, each announced when it changes: `{ list, show(values) }`. */
function readouts(names) {
  const values = names.map(() => html("dd"));
  const items = names.map(([name, mark], i) => {
    const key = mark ? [html("span", { class: `explore-key ${mark}`, "aria-hidden": "true" })] : [];
    return html("div", { "aria-live": "polite", "aria-atomic": "true" }, html("dt", {}, ...key, name), values[i]);
  });
  const show = (texts) => texts.forEach((t, i) => {
    if (values[i].textContent !== t) values[i].textContent = t;
  });
  return { list: html("dl", {}, ...items), show };
}

// --- the sphere -----------------------------------------------------------------------------------

const onSphere = ([θ, φ]) => [sin(θ) * cos(φ), sin(θ) * sin(φ), cos(θ)];
const placeOf = ([x, y, z]) => [Math.atan2(hypot(x, y), z), Math.atan2(y, x)];

/** The angle between two points as seen from the centre: accurate for near and for opposite points. */
const angleBetween = (x, y) => Math.atan2(hypot(...cross(x, y)), dot(x, y));

/** The great circle from place a at 0 to b at 1, as s ↦ [point, velocity]. Between opposite places any one is shortest. */
function greatCircle(a, b) {
  const x = onSphere(a), y = onSphere(b), angle = angleBetween(x, y);
  const east = [-sin(a[1]), cos(a[1]), 0], normal = cross(x, y), size = hypot(...normal);
  const ahead = size < 1e-12 ? east : cross(normal, x).map((value) => value / size);
  return (s) => {
    const [c, d] = [cos(s * angle), sin(s * angle)];
    return [mix(x, ahead, c, d), mix(x, ahead, -angle * d, angle * c)];
  };
}

/** A curve s ↦ [point, velocity] of the sphere as its chart (θ, φ) has it: s ↦ [place, velocity]. */
const charted = (curve) => (s) => {
  const [x, v] = curve(s), r = hypot(x[0], x[1]);
  return [placeOf(x), [-v[2] / r, (x[0] * v[1] - x[1] * v[0]) / (r * r)]];
};

/** The chart on paper: longitude to the right, colatitude downwards, `unit` for a radian. */
const paper = (unit) => ({
  onPaper: ([θ, φ]) => [unit * φ, unit * (θ - PI / 2)],
  offPaper: ([x, y]) => [y / unit + PI / 2, x / unit],
});

/** Orthographic view of the place (θ, φ) from above, north up: x ↦ [right, up, towards the eye]. */
function camera([θ, φ]) {
  const right = [-sin(φ), cos(φ), 0];
  const up = [-cos(θ) * cos(φ), -cos(θ) * sin(φ), sin(θ)];
  const towards = onSphere([θ, φ]);
  return (x) => [dot(right, x), dot(up, x), dot(towards, x)];
}

const point = ([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`;
const path = (points) => (points.length ? `M${points.map(point).join("L")}` : "");

/** A curve seen from afar, as two paths: what lies in front and what the sphere hides. */
function sides(seen) {
  const pieces = { front: [], back: [] };
  const side = (p) => (p[2] >= 0 ? "front" : "back");
  seen.forEach((p, i) => {
    const previous = seen[i - 1];
    if (previous && side(previous) === side(p)) return pieces[side(p)].at(-1).push(p);
    pieces[side(p)].push([p]);
    if (!previous) return;
    const t = previous[2] / (previous[2] - p[2]);
    const edge = p.map((value, k) => previous[k] + t * (value - previous[k]));
    pieces[side(previous)].at(-1).push(edge);
    pieces[side(p)].at(-1).unshift(edge);
  });
  return { front: pieces.front.map(path).join(""), back: pieces.back.map(path).join("") };
}

const RADIUS = 110;
const NEAREST = PI / 36; // points stay 5° away from the poles, where charts fail

/** A globe: `look(at)` turns it, and `curve(kind)` gives a function that draws lines of places on it. */
function globe(label) {
  const drawing = svg("svg", { viewBox: "-114 -114 228 228", role: "img", "aria-label": label });
  drawing.append(svg("circle", { r: RADIUS, class: "rim" }));
  let view = camera([PI / 2, 0]);
  const see = (x) => {
    const [right, up, towards] = view(x);
    return [RADIUS * right, -RADIUS * up, towards];
  };
  const curve = (kind) => {
    const back = drawing.appendChild(svg("path", { class: `${kind} back` }));
    const front = drawing.appendChild(svg("path", { class: kind }));
    return (...lines) => {
      const drawn = lines.map((line) => sides(line.map(see)));
      back.setAttribute("d", drawn.map((d) => d.back).join(""));
      front.setAttribute("d", drawn.map((d) => d.front).join(""));
    };
  };
  const drawGrid = curve("grid");
  const meridians = range(-PI, PI - PI / 6, 11).map((φ) => range(0, PI, 60).map((θ) => onSphere([θ, φ])));
  const parallels = range(PI / 6, (5 * PI) / 6, 4).map((θ) => range(-PI, PI, 90).map((φ) => onSphere([θ, φ])));
  const look = (at) => {
    view = camera(at);
    drawGrid(...meridians, ...parallels);
  };
  return { drawing, curve, look, see };
}

// --- points one can move --------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** A handle for pointer, finger and keys: `drag([x, y])` in the units of `plane`, `step([dx, dy])` by keys. */
function handle(plane, { name, mark = "", bounds: [low, high], drag, step }) {
  const knob = svg("g", {
    class: "handle", role: "slider", tabindex: 0, "aria-label": name, "aria-roledescription": "movable point",
    "aria-valuemin": low.toFixed(3), "aria-valuemax": high.toFixed(3),
  });
  knob.append(svg("circle", { r: 20, class: "reach" }), svg("circle", { r: 13, class: "focus" }));
  knob.append(svg("circle", { r: mark ? 8.5 : 5.5, class: "knob" }), svg("text", { y: 3.8 }, mark));
  const place = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(plane.getScreenCTM().inverse());
    drag([at.x, at.y]);
  };
  knob.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // no text is selected on the way
    knob.focus({ preventScroll: true });
    knob.setPointerCapture(event.pointerId);
  });
  // a finger on the handle scrolls nothing: Chromium heeds no touch-action on parts of a drawing
  knob.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  knob.addEventListener("pointermove", (event) => knob.hasPointerCapture(event.pointerId) && place(event));
  knob.addEventListener("keydown", (event) => {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    step(ARROWS[event.key].map((d) => d * (event.shiftKey ? 0.1 : 1)));
  });
  plane.append(knob);
  return (x, y, value, words) => {
    setAt(knob, [x, y]);
    fill(knob, { "aria-valuenow": value.toFixed(3), "aria-valuetext": words }, []);
  };
}
