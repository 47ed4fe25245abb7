// Eight surfaces and a geodesic triangle on each. A surface is a chart with
//   low, high    the part of the chart (u, v) that is shown
//   metric(z)    G
//   K(z)         the Gaussian curvature
//   side(a, b)   the geodesic from a at 0 to b at 1, as s ↦ [place, velocity]
//   form(z, v)   a 1-form with derivative K dA, so that ∫ K dA is an integral along the sides (Green)
//   map(z)       the place in space, where there is one

const { sqrt, sinh, cosh, asinh, atan2 } = Math;
const lower = (G, v) => G.map((row) => row[0] * v[0] + row[1] * v[1]);
const inner = (G, u, v) => lower(G, v)[0] * u[0] + lower(G, v)[1] * u[1];

/** A flat surface unrolls onto the plane, where geodesics are straight; `polar` if about a point. */
const straight = (a, b) => (s) => [mix(a, b, 1 - s, s), mix(a, b, -1, 1)];
function polar(rate) {
  const unroll = ([l, φ]) => [l * cos(rate * φ), l * sin(rate * φ)];
  return (a, b) => {
    const line = straight(unroll(a), unroll(b));
    return (s) => {
      const [[x, y], [vx, vy]] = line(s), l = hypot(x, y);
      return [[l, atan2(y, x) / rate], [(x * vx + y * vy) / l, (x * vy - y * vx) / (rate * l * l)]];
    };
  };
}
const flat = { K: () => 0, form: () => 0 };

const polarPlane = {
  ...flat, names: ["radius r", "angle φ"], low: [0.4, -1.3], high: [2, 1.3], eye: [0, 0], side: polar(1),
  metric: ([r]) => [[1, 0], [0, r * r]],
  map: ([r, φ]) => [r * cos(φ), r * sin(φ), 0],
};
const cylinder = {
  ...flat, names: ["angle θ", "height h"], low: [-1.4, -1], high: [1.4, 1], eye: [1.2, 0.4], side: straight,
  metric: () => [[1, 0], [0, 1]],
  map: ([θ, h]) => [cos(θ), sin(θ), h],
};
const SLOPE = sin(PI / 6); // of the cone, whose half-angle is 30°
const cone = {
  ...flat, names: ["slant height l", "angle φ"], low: [0.4, -1.4], high: [2, 1.4], eye: [1.35, 0.3], side: polar(SLOPE),
  metric: ([l]) => [[1, 0], [0, (l * SLOPE) ** 2]],
  map: ([l, φ]) => [l * SLOPE * cos(φ), l * SLOPE * sin(φ), l * cos(PI / 6)],
};

/** A sheet rolled up along a spiral, whose arc length unrolls it: s(t) = (t√(1 + t²) + asinh t)/2. */
const arcLength = (t) => (t * sqrt(1 + t * t) + asinh(t)) / 2;
function spiralAt(s) {
  let t = sqrt(2 * s); // too large, so that Newton's method comes down to the root: s is convex
  for (let round = 0; round < 10; round += 1) t -= (arcLength(t) - s) / sqrt(1 + t * t);
  return t;
}
const swissRoll = {
  ...flat, names: ["angle t of the roll", "height h"], low: [1.5, -3], high: [9.5, 3], eye: [1.1, -1],
  metric: ([t]) => [[1 + t * t, 0], [0, 1]],
  map: ([t, h]) => [t * cos(t), h, t * sin(t)],
  side(a, b) {
    const line = straight(...[a, b].map(([t, h]) => [arcLength(t), h]));
    return (s) => {
      const [[length, h], [vs, vh]] = line(s), t = spiralAt(length);
      return [[t, h], [vs / sqrt(1 + t * t), vh]];
    };
  },
};

const sphere = {
  names: ["colatitude θ", "longitude φ"], low: [0.5, -1.2], high: [PI - 0.5, 1.2], eye: [1.35, 0],
  metric: ([θ]) => [[1, 0], [0, sin(θ) ** 2]],
  K: () => 1,
  form: ([θ], [, v]) => (1 - cos(θ)) * v,
  map: onSphere,
  side: (a, b) => charted(greatCircle(a, b)),
};

/** In space the half-plane is a sheet [(x² + y²)/y, x/y, 1/y], on which geodesics are plane sections. */
const halfPlane = {
  names: ["x", "height y"], low: [-1.5, 0.3], high: [1.5, 2.5],
  metric: ([, y]) => [[1 / y ** 2, 0], [0, 1 / y ** 2]],
  K: () => -1,
  form: ([, y], [v]) => -v / y,
  side(a, b) {
    const [p, q] = [a, b].map(([x, y]) => [(x * x + y * y) / y, x / y, 1 / y]);
    const d = 2 * asinh(hypot(a[0] - b[0], a[1] - b[1]) / (2 * sqrt(a[1] * b[1])));
    return (s) => {
      const [, m, n] = mix(p, q, sinh((1 - s) * d) / sinh(d), sinh(s * d) / sinh(d));
      const [, dm, dn] = mix(p, q, (-d * cosh((1 - s) * d)) / sinh(d), (d * cosh(s * d)) / sinh(d));
      return [[m / n, 1 / n], [(dm - (m / n) * dn) / n, -dn / (n * n)]];
    };
  },
};

const PIECES = 128; // steps of Runge and Kutta, and of the rule of Boole, along one side

/** Geodesics where no formula gives them: `bend` is the rate of change of [place, velocity]. */
function shooting(bend) {
  function flow(state, h) {
    const k1 = bend(state), k2 = bend(mix(state, k1, 1, h / 2)), k3 = bend(mix(state, k2, 1, h / 2)), k4 = bend(mix(state, k3, 1, h));
    return state.map((x, i) => x + (h / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]));
  }
  function shoot(a, v) {
    const states = [[...a, ...v]];
    for (let i = 0; i < PIECES; i += 1) states.push(flow(states[i], 1 / PIECES));
    return states;
  }
  /** Newton's method for the velocity that hits b, from the straight line of the chart. */
  function aim(a, b) {
    let v = mix(a, b, -1, 1);
    for (let round = 0; round < 12; round += 1) {
      const miss = (w) => mix(shoot(a, w)[PIECES], b, 1, -1).slice(0, 2);
      const now = miss(v);
      if (hypot(...now) < 1e-13) break;
      const h = 1e-6;
      const [p, q] = [[h, 0], [0, h]].map((step) => mix(miss(mix(v, step, 1, 1)), miss(mix(v, step, 1, -1)), 0.5 / h, -0.5 / h));
      const volume = p[0] * q[1] - p[1] * q[0];
      v = mix(v, [(q[1] * now[0] - q[0] * now[1]) / volume, (p[0] * now[1] - p[1] * now[0]) / volume], 1, -1);
    }
    return v;
  }
  return (a, b) => {
    const states = shoot(a, aim(a, b));
    return (s) => { // at multiples of 1 / PIECES alone
      const [x, y, vx, vy] = states[Math.round(s * PIECES)];
      return [[x, y], [vx, vy]];
    };
  };
}

const STEEP = 0.5, BEND = 4 * STEEP * STEEP;
/** The graph of STEEP (x² − y²). Where K ≤ 0 one geodesic alone joins two points. */
const saddle = {
  names: ["x", "y"], low: [-1, -1], high: [1, 1], eye: [1.0, 0.45],
  metric: ([x, y]) => [[1 + BEND * x * x, -BEND * x * y], [-BEND * x * y, 1 + BEND * y * y]],
  K: ([x, y]) => -BEND / (1 + BEND * (x * x + y * y)) ** 2,
  form([x, y], [vx, vy]) {
    const w = sqrt(1 + BEND * (x * x + y * y));
    return (-BEND * (x * vy - y * vx)) / (w * (1 + w));
  },
  map: ([x, y]) => [x, y, STEEP * (x * x - y * y)],
  side: shooting(([x, y, vx, vy]) => { // ẍ leaves the surface straight up or down
    const pull = (-BEND * (vx * vx - vy * vy)) / (1 + BEND * (x * x + y * y));
    return [vx, vy, pull * x, -pull * y];
  }),
};

const MIDDLE = 2; // radius of the circle inside the tube, whose own radius is 1
const parallel = (v) => MIDDLE + cos(v);
/** The upper half of a tube, from its outer equator v = 0 to the inner one. The part shown is so short that no
    geodesic on it reaches a conjugate point: those are π√3 apart or more, since K ≤ 1/3. */
const torus = {
  names: ["axis angle u", "tube angle v"], low: [-0.8, 0], high: [0.8, PI], eye: [0.75, 0.6],
  metric: ([, v]) => [[parallel(v) ** 2, 0], [0, 1]],
  K: ([, v]) => cos(v) / parallel(v),
  form: ([, v], [du]) => -sin(v) * du,
  map: ([u, v]) => [parallel(v) * cos(u), parallel(v) * sin(u), sin(v)],
  side: shooting(([, v, du, dv]) => [du, dv, (2 * sin(v) * du * dv) / parallel(v), -parallel(v) * sin(v) * du * du]),
};

const SURFACES = {
  "polar-plane": ["Plane in polar coordinates", polarPlane], cylinder: ["Cylinder", cylinder], cone: ["Cone", cone],
  "swiss-roll": ["Swiss roll", swissRoll], sphere: ["Sphere", sphere], torus: ["Torus", torus], saddle: ["Saddle", saddle],
  "half-plane": ["Hyperbolic half-plane", halfPlane],
};
const surfaceOf = (name) => SURFACES[name][1];
const placeAt = ({ low, high }, share) => share.map((s, k) => low[k] + s * (high[k] - low[k]));
const shareOf = ({ low, high }, z) => z.map((x, k) => clamp((x - low[k]) / (high[k] - low[k]), 0, 1));

/** The angle at z from u to v, between −π and π, as the metric has it. */
function turn(surface, z, u, v) {
  const G = surface.metric(z);
  return atan2(sqrt(G[0][0] * G[1][1] - G[0][1] ** 2) * (u[0] * v[1] - u[1] * v[0]), inner(G, u, v));
}

const BOOLE = (i) => (i % PIECES === 0 ? 7 : [14, 32, 12, 32][i % 4]);
/** A geodesic triangle: its sides, its three angles, ∫ K dA over it. Null if two corners coincide. */
function triangle(surface, a, b, c) {
  const corners = [a, b, c], next = [b, c, a];
  if (corners.some((z, i) => hypot(z[0] - next[i][0], z[1] - next[i][1]) < 1e-6)) return null;
  const sides = corners.map((z, i) => range(0, 1, PIECES).map(surface.side(z, next[i])));
  const turns = corners.map((z, i) => turn(surface, z, sides[i][0][1], sides[(i + 2) % 3][PIECES][1].map((x) => -x)));
  const total = sides.flat().reduce((sum, [z, v], i) => sum + BOOLE(i % (PIECES + 1)) * surface.form(z, v), 0);
  const way = Math.sign(turns[0]) || 1; // anticlockwise in the chart, or clockwise
  return { sides: sides.map((side) => side.map(([z]) => z)), angles: turns.map(Math.abs), curvature: (way * total * 2) / (45 * PIECES) };
}

export const math = { SURFACES: Object.keys(SURFACES), surfaceOf, placeAt, shareOf, triangle };

const STEP = 0.02; // an arrow key moves a corner by this share of the chart
const [WIDTH, HEIGHT] = [320, 300];
const linesOf = ({ low, high }) => [
  ...range(low[0], high[0], 8).map((u) => range(low[1], high[1], 40).map((v) => [u, v])),
  ...range(low[1], high[1], 8).map((v) => range(low[0], high[0], 40).map((u) => [u, v])),
];

/** The colour of a curvature, the same on every surface: none where K = 0, the strongest where |K| ≥ 1. */
const tint = (K) => ({ class: K < 0 ? "below" : "above", "fill-opacity": Math.min(Math.abs(K), 1).toFixed(4) });
const CELLS = 24; // of the heat map, across and up
function heatOf(surface, to) {
  const share = (i) => i / CELLS, cells = range(0, CELLS - 1, CELLS - 1);
  return cells.flatMap((i) => cells.map((j) => {
    const [left, bottom] = to(placeAt(surface, [share(i), share(j)])), [right, top] = to(placeAt(surface, [share(i + 1), share(j + 1)]));
    const K = surface.K(placeAt(surface, [share(i + 0.5), share(j + 0.5)]));
    return svg("rect", { x: left, y: top, width: right - left, height: bottom - top, ...tint(K) });
  }));
}

/** A bar with the colours of K from −1 to 1. */
function drawScale(x, y, width = 150, height = 10) {
  const steps = 30;
  const bar = range(0, steps - 1, steps - 1).map((i) => svg("rect", { x: x + (i * width) / steps, y, width: width / steps, height, ...tint((2 * i + 1) / steps - 1) }));
  const ticks = [-1, 0, 1].map((K) => svg("text", { x: x + ((K + 1) * width) / 2, y: y + height + 14, "text-anchor": "middle" }, text(K, 0)));
  return svg("g", { class: "scale", role: "img", "aria-label": "Scale of the colours: violet where K = −1, none where K = 0, orange where K = 1" },
    svg("g", { class: "heat" }, ...bar), svg("rect", { x, y, width, height, class: "frame" }),
    svg("text", { x: x - 14, y: y + height - 1, "text-anchor": "end" }, "Curvature K"), ...ticks);
}

function canvas(role, label, below) {
  const drawing = svg("svg", { viewBox: `${-WIDTH / 2} ${-HEIGHT / 2} ${WIDTH} ${HEIGHT + below}`, role, "aria-label": label });
  const inside = drawing.appendChild(pane(-WIDTH / 2, -HEIGHT / 2, WIDTH, HEIGHT));
  const layer = (kind) => inside.appendChild(svg("path", { class: kind }));
  return { drawing, inside, layer };
}
const lines = (all, to) => all.map((line) => path(line.map(to))).join("");

function drawChart() {
  const { drawing, inside, layer } = canvas("group", "Chart of the surface, coloured by its curvature, with the movable corners A, B and C of a geodesic triangle", 62);
  const heat = inside.appendChild(svg("g", { class: "heat" })), grid = layer("grid"), solid = layer("geodesic");
  const names = drawing.appendChild(svg("text", { y: HEIGHT / 2 + 14, "text-anchor": "middle", "aria-hidden": "true" }));
  drawing.append(drawScale(-40, HEIGHT / 2 + 30));
  const chart = { drawing };
  let shown;
  chart.show = (surface, found) => {
    if (surface !== shown) { // all that the corners leave as it is
      shown = surface;
      chart.fit = fitted([surface.low, surface.high], [WIDTH, HEIGHT], 14);
      heat.replaceChildren(...heatOf(surface, chart.fit.to));
      grid.setAttribute("d", lines(linesOf(surface), chart.fit.to));
      names.textContent = `${surface.names[0]} to the right, ${surface.names[1]} upwards`;
    }
    solid.setAttribute("d", found ? lines(found.sides, chart.fit.to) : "");
  };
  return chart;
}

function drawSurface() {
  const { drawing, layer } = canvas("img", "The surface in space, with the triangle on it", 20);
  const [grid, inner, solid] = ["grid", "inside", "geodesic"].map(layer);
  const ends = ["A", "B", "C"].map((name) => drawing.appendChild(badge(name)));
  const none = html("p", { class: "explore-note" }, "No surface in space carries the half-plane as a whole (Hilbert's theorem): its chart and its metric are all there is to see.");
  const block = panel("plane", "On the surface", drawing);
  block.append(none);
  const show = (surface, corners, found) => {
    drawing.style.display = surface.map ? "" : "none";
    none.hidden = Boolean(surface.map);
    if (!surface.map) return;
    const see = camera(surface.eye), seen = (z) => see(surface.map(z));
    const fit = fitted(linesOf(surface).flat().map(seen), [WIDTH, HEIGHT], 14), to = (z) => fit.to(seen(z));
    grid.setAttribute("d", lines(linesOf(surface), to));
    inner.setAttribute("d", found ? lines([found.sides.flat()], to) : "");
    solid.setAttribute("d", found ? lines(found.sides, to) : "");
    corners.forEach((z, i) => setAt(ends[i], to(z)));
  };
  return { block, show };
}

const degrees = (angle) => `${text((180 * angle) / PI, 2)}°`;
const NAMES = ["a", "b", "c"];

function render({ model, el }) {
  const root = stage(el, model.get("label"));
  const chart = drawChart(), picture = drawSurface();
  const surface = () => surfaceOf(model.get("surface"));
  const select = html("select", {}, ...Object.entries(SURFACES).map(([value, [name]]) => html("option", { value }, name)));
  select.addEventListener("change", () => change(model, { surface: select.value }));
  const grips = [...NAMES].reverse().map((name) => [name, handle(chart.drawing, {
    name: `Corner ${name.toUpperCase()}`, mark: name.toUpperCase(), bounds: [0, 1],
    drag: (at) => change(model, { [name]: shareOf(surface(), chart.fit.from(at)) }),
    step: ([dx, dy]) => change(model, { [name]: mix(model.get(name), [dx, -dy], 1, STEP).map((x) => clamp(x, 0, 1)) }),
  })]);
  const numbers = readouts([["Angles at A, B, C"], ["Sum of the angles"], ["π + ∫ K dA"], ["Curvature K at A, B, C"], ["Verdict"]]);
  root.append(
    html("div", { class: "explore-controls" }, html("label", {}, html("span", {}, "Surface"), select)),
    html("div", { class: "explore-panels" }, panel("plane", "On the chart", chart.drawing), picture.block),
    numbers.list,
    html("p", { class: "explore-note" }, "The sum comes from the directions of the sides, ∫ K dA from an integral along them (Green's theorem)."),
  );

  function draw() {
    const now = surface(), corners = NAMES.map((name) => placeAt(now, model.get(name)));
    const found = triangle(now, ...corners);
    select.value = model.get("surface");
    chart.show(now, found);
    picture.show(now, corners, found);
    for (const [name, put] of grips) {
      const share = model.get(name), z = placeAt(now, share);
      put(...chart.fit.to(z), share[0], `${now.names[0]} ${text(z[0])}, ${now.names[1]} ${text(z[1])}`);
    }
    const bent = corners.map((z) => text(now.K(z), 2)).join(", ");
    if (!found) return numbers.show(["no triangle", "no triangle", "no triangle", bent, "two corners coincide"]);
    const sum = found.angles.reduce((x, y) => x + y, 0), excess = sum - PI;
    const verdict = Math.abs(found.curvature) < 5e-5 ? "as in the plane: 180°" : `${text(Math.abs(180 * excess) / PI, 2)}° ${excess > 0 ? "more" : "less"} than in the plane`;
    numbers.show([found.angles.map((x) => `${text((180 * x) / PI, 1)}°`).join(", "), degrees(sum), degrees(PI + found.curvature), bent, verdict]);
  }
  const CHANGES = "change:surface change:a change:b change:c";
  model.on(CHANGES, draw);
  draw();
  return () => model.off(CHANGES, draw);
}

export default { render };
