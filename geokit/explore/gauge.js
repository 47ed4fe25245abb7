// One sphere, two latent spaces: a = (θ, φ), and b = A_t(a). All that is said of b is computed in b, from
// the metric there: G_b = D⁻ᵀ G D⁻¹ with D the derivative of A_t.

const MIDDLE = [PI / 2, 0];
const HALF = [0.9, 1.1]; // the part of a that is shown, from the middle
const [LOW, HIGH] = [-1, 1].map((sign) => MIDDLE.map((x, k) => x + sign * HALF[k]));
const SHEARS = [[0, 0.4, 1.7, 0.3], [1, 0.5, 1.5, -0.5], [0, -0.25, 2.2, 0.8]]; // which coordinate, height, rate, phase
const STRETCH = [0.1, -0.25];
const SIDE = 0.4; // of the small square

const shift = (t, [k, height, rate, phase], z) => t * height * sin(rate * z[1 - k] + phase);
const slope = (t, [k, height, rate, phase], z) => t * height * rate * cos(rate * z[1 - k] + phase);

/** b = A_t(a): shears by waves, each with an exact inverse, then a stretch; the identity at t = 0. */
function to(t, a) {
  const z = a.map((x, k) => x - MIDDLE[k]);
  for (const shear of SHEARS) z[shear[0]] += shift(t, shear, z);
  return z.map((x, k) => Math.exp(t * STRETCH[k]) * x + MIDDLE[k]);
}

function from(t, b) {
  const z = b.map((x, k) => Math.exp(-t * STRETCH[k]) * (x - MIDDLE[k]));
  for (const shear of [...SHEARS].reverse()) z[shear[0]] -= shift(t, shear, z);
  return z.map((x, k) => x + MIDDLE[k]);
}

/** D, the derivative of A_t at a, by the chain rule. */
function derivative(t, a) {
  const z = a.map((x, k) => x - MIDDLE[k]);
  const D = [[1, 0], [0, 1]];
  for (const shear of SHEARS) {
    const k = shear[0], by = slope(t, shear, z);
    D[k] = D[k].map((x, j) => x + by * D[1 - k][j]);
    z[k] += shift(t, shear, z);
  }
  return D.map((row, k) => row.map((x) => Math.exp(t * STRETCH[k]) * x));
}

const det = ([[a, b], [c, d]]) => a * d - b * c;
const times = (M, v) => M.map((row) => row[0] * v[0] + row[1] * v[1]);
const form = (G, v) => v[0] * times(G, v)[0] + v[1] * times(G, v)[1];

/** The metric of b: the sphere's diag(1, sin²θ), seen through A_t. */
function metric(t, b) {
  const a = from(t, b), D = derivative(t, a), volume = det(D);
  const inverse = [[D[1][1] / volume, -D[0][1] / volume], [-D[1][0] / volume, D[0][0] / volume]];
  const weight = [1, sin(a[0]) ** 2];
  return [0, 1].map((i) => [0, 1].map((j) => weight[0] * inverse[0][i] * inverse[0][j] + weight[1] * inverse[1][i] * inverse[1][j]));
}

/** The geodesic from p to q in a: at the share s of its way the place and the velocity. */
const geodesic = (p, q) => charted(greatCircle(p, q));

/** The steps of length 1 at A_t(p). Steps are carried by the derivative, not by the map. */
function ellipse(t, p, steps = 63) {
  const D = derivative(t, p);
  return range(0, 2 * PI, steps).map((s) => times(D, [cos(s), sin(s) / sin(p[0])]));
}

// --- the five numbers, all of them computed in b --------------------------------------------------

const euclid = (t, p, q) => hypot(...to(t, p).map((x, k) => x - to(t, q)[k]));

/** Euclid's angle of the two grid lines that cross at p. */
function gridAngle(t, p) {
  const [[a, b], [c, d]] = derivative(t, p);
  return Math.atan2(Math.abs(a * d - b * c), a * b + c * d);
}

/** ∫ √(vᵀ G_b v) along the transported geodesic. The speed is constant, so few nodes suffice. */
function length(t, p, q, nodes = 24) {
  const curve = geodesic(p, q);
  const speeds = range(0.5 / nodes, 1 - 0.5 / nodes, nodes - 1).map((s) => {
    const [a, v] = curve(s);
    return Math.sqrt(form(metric(t, to(t, a)), times(derivative(t, a), v)));
  });
  return speeds.reduce((sum, speed) => sum + speed, 0) / nodes;
}

const NODES = [[0, 128 / 225], [0.5384693101056831, 0.4786286704993665], [0.906179845938664, 0.2369268850561891]];
const GAUSS = [...NODES, ...NODES.slice(1).map(([x, w]) => [-x, w])]; // five nodes on [−1, 1]

/** ∫ √det G_b over the image of the square about q. */
function area(t, q) {
  let sum = 0;
  for (const [x, v] of GAUSS) {
    for (const [y, w] of GAUSS) {
      const a = [q[0] + (SIDE / 2) * x, q[1] + (SIDE / 2) * y];
      sum += v * w * Math.sqrt(det(metric(t, to(t, a)))) * Math.abs(det(derivative(t, a)));
    }
  }
  return (SIDE / 2) ** 2 * sum;
}

const FIRST = [1, -8, 0, 8, -1].map((w) => w / 12), SECOND = [-1, 16, -30, 16, -1].map((w) => w / 12);
const ONLY = [0, 0, 1, 0, 0];
const det3 = ([u, v, w]) => dot(u, cross(v, w));

/** K from G_b alone, by Brioschi's formula with differences of the fourth order. */
function curvature(t, p, h = 4e-3) {
  const b = to(t, p);
  const G = range(-2, 2, 4).map((i) => range(-2, 2, 4).map((j) => metric(t, [b[0] + i * h, b[1] + j * h])));
  const differ = (r, c, along, across, order) => {
    let sum = 0;
    along.forEach((w, i) => across.forEach((v, j) => { sum += w * v * G[i][j][r][c]; }));
    return sum / h ** order;
  };
  const [[E, F], [, N]] = G[2][2];
  const u = (r, c) => differ(r, c, FIRST, ONLY, 1), v = (r, c) => differ(r, c, ONLY, FIRST, 1);
  const bend = -differ(0, 0, ONLY, SECOND, 2) / 2 + differ(0, 1, FIRST, FIRST, 2) - differ(1, 1, SECOND, ONLY, 2) / 2;
  const one = [[bend, u(0, 0) / 2, u(0, 1) - v(0, 0) / 2], [v(0, 1) - u(1, 1) / 2, E, F], [v(1, 1) / 2, F, N]];
  const other = [[0, v(0, 0) / 2, u(1, 1) / 2], [v(0, 0) / 2, E, F], [u(1, 1) / 2, F, N]];
  return (det3(one) - det3(other)) / (E * N - F * F) ** 2;
}

const readings = (t, p, q) => [euclid(t, p, q), gridAngle(t, p), length(t, p, q), area(t, q), curvature(t, p)];

export const math = { LOW, HIGH, SIDE, SHEARS, STRETCH, to, from, derivative, metric, geodesic, ellipse, euclid, gridAngle, length, area, curvature, readings };

const SCALE = 0.25; // the unit ellipse is drawn at a quarter of its size
const UNIT = 92; // a unit of the latent plane
const STEP = 0.05;
const VIEWS = { a: "-120 -98 240 196", b: "-120 -122 240 280" }; // of one scale; b holds A_t(a) for every t
const inBox = (a) => a.map((x, k) => clamp(x, LOW[k], HIGH[k]));
const { onPaper, offPaper } = paper(UNIT);

const GRID = [
  ...range(LOW[0], HIGH[0], 8).map((θ) => range(LOW[1], HIGH[1], 40).map((φ) => [θ, φ])),
  ...range(LOW[1], HIGH[1], 10).map((φ) => range(LOW[0], HIGH[0], 40).map((θ) => [θ, φ])),
];
function square(q) {
  const corners = [[-1, -1], [-1, 1], [1, 1], [1, -1], [-1, -1]].map((c) => c.map((x, k) => q[k] + (SIDE / 2) * x));
  return corners.slice(1).flatMap((c, i) => range(0, 1, 12).map((s) => c.map((x, k) => corners[i][k] + s * (x - corners[i][k]))));
}

/** One latent space: `show(t, p, q)` draws what A_t makes of a. */
function plane(name) {
  const drawing = svg("svg", {
    viewBox: VIEWS[name], role: "group",
    "aria-label": `Latent space ${name}: its grid, the geodesic from P to Q, the unit ellipse at P and a square at Q`,
  });
  const [grid, box, ball, dashed, solid] = ["grid", "ball", "ball here", "straight", "geodesic"].map((kind) => drawing.appendChild(svg("path", { class: kind })));
  const show = (t, p, q) => {
    const line = (points) => path(points.map((a) => onPaper(to(t, a))));
    const curve = geodesic(p, q);
    grid.setAttribute("d", GRID.map(line).join(""));
    box.setAttribute("d", line(square(q)));
    const at = to(t, p);
    ball.setAttribute("d", path(ellipse(t, p).map((v) => onPaper(at.map((x, k) => x + SCALE * v[k])))));
    dashed.setAttribute("d", path([p, q].map((a) => onPaper(to(t, a)))));
    solid.setAttribute("d", line(range(0, 1, 80).map((s) => curve(s)[0])));
  };
  return { drawing, show };
}

function drawSphere() {
  const view = globe("The sphere with P, Q, the geodesic between them, the unit circle at P and the square at Q: the same for every latent space");
  const [grid, box, ball, solid] = ["grid", "ball", "ball here", "geodesic"].map(view.curve);
  const ends = ["P", "Q"].map((name) => view.drawing.appendChild(badge(name)));
  view.look([1.3, 0]);
  grid(...GRID.map((line) => line.map(onSphere)));
  const show = (p, q) => {
    const curve = geodesic(p, q), x = onSphere(p);
    const south = [cos(p[0]) * cos(p[1]), cos(p[0]) * sin(p[1]), -sin(p[0])], east = cross(x, south);
    box(square(q).map(onSphere));
    ball(range(0, 2 * PI, 63).map((s) => x.map((value, k) => value + SCALE * (cos(s) * south[k] + sin(s) * east[k]))));
    solid(range(0, 1, 80).map((s) => onSphere(curve(s)[0])));
    [p, q].forEach((a, i) => setAt(ends[i], view.see(onSphere(a))));
  };
  return { drawing: view.drawing, show };
}

const NUMBERS = [
  ["Euclid's distance from P to Q", "changes"], ["Euclid's angle of the grid at P", "changes"],
  ["Geodesic distance from P to Q", "stays"], ["Area of the square at Q, by √det G", "stays"], ["Curvature K at P, from G", "stays"],
];
const shown = (value, i) => (i === 1 ? `${text((180 * value) / PI, 1)}°` : text(value, 4));

function render({ model, el }) {
  const root = stage(el, model.get("label"));
  const one = plane("a"), other = plane("b"), sphere = drawSphere();
  const turned = () => model.get("t");
  const move = (name, a) => change(model, { [name]: inBox(a) });
  const grips = [["a", one.drawing, () => 0], ["b", other.drawing, turned]].flatMap(([space, drawing, t]) => ["q", "p"].map((name) => {
    const put = handle(drawing, {
      name: `${name.toUpperCase()} in latent space ${space}`, mark: name.toUpperCase(), bounds: [LOW[0], HIGH[0]],
      drag: (at) => move(name, from(t(), offPaper(at))),
      step: ([dx, dy]) => move(name, from(t(), to(t(), model.get(name)).map((x, k) => x + STEP * (k ? dx : dy)))),
    });
    return () => {
      const a = model.get(name), b = to(t(), a);
      put(...onPaper(b), a[0], `${text(b[0])}, ${text(b[1])} in ${space}`);
    };
  }));
  const knob = html("input", { type: "range", min: 0, max: 1, step: "any" });
  knob.addEventListener("input", () => change(model, { t: clamp(knob.valueAsNumber, 0, 1) }));
  const image = panel("plane", "", other.drawing);
  const numbers = readouts(NUMBERS.map(([name, mark]) => [`${name}: ${mark}`, mark]));
  NUMBERS.forEach(([, mark], i) => numbers.list.children[i].classList.add(mark));
  root.append(
    html("div", { class: "explore-controls" }, html("label", {}, html("span", {}, "Knob t"), knob)),
    html("div", { class: "explore-panels" },
      panel("plane", "Latent space a", one.drawing),
      image,
      panel("globe", "The surface: the same", sphere.drawing)),
    numbers.list,
    html("p", { class: "explore-note" }, "All five numbers are computed in b, the last three from its metric. In a, longitude runs to the right and colatitude downwards. The geodesic is solid, Euclid's straight line dashed. The unit ellipse at P is drawn at a quarter of its size."),
  );

  function draw() {
    const [t, p, q] = [turned(), model.get("p"), model.get("q")];
    one.show(0, p, q);
    other.show(t, p, q);
    sphere.show(p, q);
    grips.forEach((put) => put());
    knob.value = t;
    image.firstChild.textContent = `Latent space b = Aₜ(a), t = ${text(t)}`;
    knob.setAttribute("aria-valuetext", text(t));
    const before = readings(0, p, q);
    numbers.show(readings(t, p, q).map((value, i) => `${shown(value, i)}\nat t = 0: ${shown(before[i], i)}`));
  }
  const CHANGES = "change:t change:p change:q";
  model.on(CHANGES, draw);
  draw();
  return () => model.off(CHANGES, draw);
}

export default { render };
