// The standard deviation of an RBF precision over the plane, the geodesic of I + 2 ∇σ ∇σᵀ between two ends, and a
// section along the ray from one through the other. That metric is the landscape's whose height over z is √2 σ(z).

const CENTRES = [16, 32, 64, 96, 128];
const CURVATURES = range(0.25, 3, 11);
const FLOORS = [1e-4, 10];
const NOISE = 0.1; // σ at the codes
const PIECES = 128;
const FINE = 8; // pieces of a chord where a length is measured: walls are narrow
const NEAR = 1e-5; // a step that promises less than this part of the energy is the last
const STEPS = 60; // at most
const SHADES = 64; // rows and columns of the heat map, and of the graph
const MOVES = [[0, 1], [1, 0], [1, 1], [1, -1], [1, 2], [1, -2], [2, 1], [2, -1]]; // a king's and a knight's, one way

/** The fits of `variance.py`: for K centres their places, λ for a = 1, and for each a the weights to a precision of 1. */
function read(view) {
  let at = 0;
  const numbers = (count) => Array.from({ length: count }, () => view.getFloat64(8 * at++, true));
  return Object.fromEntries(CENTRES.map((K) => [K, { places: numbers(2 * K), λ: numbers(K), weights: CURVATURES.map(() => numbers(K)) }]));
}

/** σ for these settings: `std(z)` gives it, `gradient(z)` it and ∇σ; `surface` is z ↦ (z, √2 σ(z)), as a decoder. */
function variance(fits, K, a, ζ) {
  const { places, λ, weights } = fits[K];
  const W = weights[CURVATURES.indexOf(a)].map((w) => (NOISE ** -2 - ζ) * w), rates = λ.map((rate) => rate / (a * a));
  function gradient([x, y]) {
    let β = ζ, right = 0, up = 0;
    for (let k = 0; k < K; k += 1) {
      const dx = x - places[2 * k], dy = y - places[2 * k + 1], far = rates[k] * (dx * dx + dy * dy);
      if (far > 50) continue; // less than a part in 10²¹ of the bump: the sum does not see it
      const bump = W[k] * Math.exp(-far);
      β += bump;
      right -= 2 * rates[k] * dx * bump;
      up -= 2 * rates[k] * dy * bump;
    }
    const σ = β ** -0.5, slope = -0.5 * σ / β; // dσ/dβ
    return [σ, slope * right, slope * up];
  }
  const std = (z) => gradient(z)[0];
  const height = Math.SQRT2;
  const surface = {
    decode: (z) => [...z, height * std(z)],
    jacobian: (z) => {
      const [σ, right, up] = gradient(z);
      return [[...z, height * σ], [1, 0, height * right], [0, 1, height * up]];
    },
  };
  return { std, gradient, surface, places, rates, W };
}

/** A queue that hands out the number of least value first. */
function queue() {
  const heap = [];
  const swap = (i, j) => { [heap[i], heap[j]] = [heap[j], heap[i]]; };
  function push(value, number) {
    let i = heap.push([value, number]) - 1;
    for (; i && heap[(i - 1) >> 1][0] > value; i = (i - 1) >> 1) swap(i, (i - 1) >> 1);
  }
  function pop() {
    const least = heap[0], last = heap.pop();
    if (!heap.length) return least;
    heap[0] = last;
    for (let i = 0; ;) {
      const child = [2 * i + 1, 2 * i + 2].reduce((best, j) => (j < heap.length && heap[j][0] < heap[best][0] ? j : best), i);
      if (child === i) return least;
      swap(i, child);
      i = child;
    }
  }
  return { push, pop, empty: () => !heap.length };
}

/**
 * The middles of the heat map's cells, the upper left first, with the points of the surface above them. `edge(node, k)` is
 * the node that move k leads to, or none, and `cost` the length of the way there, by the middle of it.
 */
function gridOn([low, high], { decode }) {
  const step = (high[0] - low[0]) / SHADES, last = SHADES - 1;
  const nodes = range(0, last, last).flatMap((row) => range(0, last, last).map((column) => [low[0] + step * (column + 0.5), high[1] - step * (row + 0.5)]));
  const nearest = ([x, y]) => SHADES * clamp(Math.floor((high[1] - y) / step), 0, last) + clamp(Math.floor((x - low[0]) / step), 0, last);
  const images = nodes.map(decode), cost = new Float64Array(MOVES.length * nodes.length);
  const edge = (node, k) => {
    const [i, j] = MOVES[k], row = Math.floor(node / SHADES) + i, column = (node % SHADES) + j;
    return row >= 0 && row <= last && column >= 0 && column <= last ? SHADES * row + column : -1;
  };
  nodes.forEach((z, node) => MOVES.forEach((_, k) => {
    const next = edge(node, k);
    if (next >= 0) cost[MOVES.length * node + k] = length([images[node], decode(along(z, nodes[next], 0.5)), images[next]]);
  }));
  return { nodes, images, nearest, edge, cost };
}

/** Dijkstra's shortest way over the grid from a to b. */
function shortestWay({ nodes, nearest, edge, cost }, a, b) {
  const from = nearest(a), to = nearest(b), far = new Float64Array(nodes.length).fill(Infinity), before = new Int32Array(nodes.length).fill(-1);
  const open = queue();
  far[from] = 0;
  open.push(0, from);
  while (!open.empty()) {
    const [reached, node] = open.pop();
    if (node === to) break;
    if (reached > far[node]) continue;
    const visit = (next, length) => {
      if (!(reached + length < far[next])) return; // there is none, or a way as short is known
      [far[next], before[next]] = [reached + length, node];
      open.push(far[next], next);
    };
    MOVES.forEach(([i, j], k) => {
      visit(edge(node, k), cost[MOVES.length * node + k]);
      const [row, column] = [Math.floor(node / SHADES) - i, (node % SHADES) - j]; // and the same move backwards
      const from = SHADES * row + column;
      if (row >= 0 && column >= 0 && column < SHADES) visit(from, cost[MOVES.length * from + k]);
    });
  }
  const way = [b];
  for (let node = to; node >= 0; node = before[node]) way.unshift(nodes[node]);
  return [a, ...way];
}

/** The length of a latent polyline, on the surface. */
const long = ({ decode }, points) => length(finer(points, FINE).map(decode));

/** The shortest of the straight line, the shortest way over the grid, and the curve at rest that begins there. */
function geodesic(surface, grid, a, b) {
  const line = bent(a, b, PIECES), way = shortestWay(grid, a, b);
  const start = evenly(finer(way, 2), finer(way, 2).map(surface.decode), PIECES + 1);
  const curves = [line, way, atRest(relaxing(surface, NEAR), start, STEPS).points];
  const found = curves.map((points) => ({ points, L: long(surface, points) }));
  return { straight: found[0].L, ...found.reduce((best, other) => (other.L < best.L ? other : best)) };
}

export const math = { CENTRES, CURVATURES, FLOORS, NOISE, PIECES, SHADES, read, variance, gridOn, shortestWay, geodesic, long, length, along, bent };

/** The section: σ and |dσ/dr| over the distance r from A, on the ray through B, with a mark where B is. */
function drawSection() {
  const drawing = svg("svg", { viewBox: `-8 -8 ${SIZE + 16} 268`, role: "img", "aria-label": "Section along the ray from A through B: the standard deviation, and how fast it changes" });
  const rows = [["theta", "σ", 16], ["phi", "|dσ/dr|", 140]].map(([kind, name, top]) => {
    const most = svg("text", { x: SIZE, y: top - 4, "text-anchor": "end" }), line = svg("path", { class: `${kind} section` });
    drawing.append(svg("text", { y: top - 4 }, name), most, svg("path", { class: "frame", d: `M0,${top + 96}h${SIZE}` }), line);
    return (values) => {
      const highest = Math.max(...values);
      most.textContent = `at most ${text(highest, highest < 10 ? 2 : 1)}`;
      line.setAttribute("d", path(values.map((v, i) => [(SIZE * i) / (values.length - 1), top + 96 - (90 * v) / (highest || 1)])));
    };
  });
  const mark = svg("path", { class: "grid" }), name = svg("text", { y: 252, "text-anchor": "middle" }, "B"), end = svg("text", { y: 252, x: SIZE, "text-anchor": "end" });
  drawing.append(mark, name, svg("text", { y: 252 }, "A"), end);
  const show = (values, slopes, share, reach) => {
    rows[0](values);
    rows[1](slopes);
    mark.setAttribute("d", `M${SIZE * share},8V236`);
    name.setAttribute("x", SIZE * share);
    name.textContent = share > 0.05 && share < 0.75 ? "B" : "";
    end.textContent = `r = ${text(reach, 1)}`;
  };
  return { drawing, show };
}

/** How far from a, in direction u, the square reaches. */
const reachOf = ([low, high], a, u) => Math.min(...u.map((d, k) => (d ? ((d > 0 ? high[k] : low[k]) - a[k]) / d : Infinity)));

function render({ model, el }) {
  const root = stage(el, model.get("label")), box = model.get("box"), fits = read(model.get("fits"));
  const plane = drawPlane(box, model.get("codes"), "Plane of the codes, a denser grey where the standard deviation is larger, with the centres of the bumps, the geodesic, the straight line and their movable ends A and B");
  const dots = plane.shown.appendChild(svg("path", { class: "centres" }));
  const curves = ["straight", "geodesic"].map(plane.curve), section = drawSection();
  const controls = {
    centres: slider("Centres K", String, [0, CENTRES.length - 1, 1], (i) => change(model, { centres: CENTRES[i] })),
    curvature: slider("Curvature a", (a) => text(a, 2), [0, CURVATURES.length - 1, 1], (i) => change(model, { curvature: CURVATURES[i] })),
    floor: slider("Floor ζ", (ζ) => String(Number(ζ.toPrecision(2))), [...FLOORS.map(Math.log10), 0.1], (e) => change(model, { floor: clamp(10 ** e, ...FLOORS) })),
  };
  const ends = () => ({ a: model.get("a"), b: model.get("b") });
  const showEnds = gripsOn(plane, ends, (name, z) => change(model, { [name]: z }));
  const numbers = readouts([["Length of the geodesic", "geodesic"], ["Length of the straight line", "straight"], ["σ at A and B"], ["σ far away, ζ^(−1/2)"], ["Climb from A to there"], ["Steepest |dσ/dr| on the ray", "phi"]]);
  root.append(
    html("div", { class: "explore-controls" }, ...Object.values(controls).map(({ row }) => row)),
    html("div", { class: "explore-panels" }, panel("plane", "On the plane of the codes", plane.drawing), panel("plane", "Along the ray from A through B", section.drawing)),
    numbers.list,
    html("p", { class: "explore-note" }, "Grey: σ, denser where it is larger, on a logarithmic scale. Circles: the centres. Solid: the shortest curve found, pulled tight from the shortest way over a grid. Dashed: the straight line. A climb in σ counts √2 times, as both coordinates have the same σ."),
  );

  let frame = 0, now = "", made, grid;
  function draw() {
    frame = 0;
    const { a, b } = ends(), [K, curvature, ζ] = [model.get("centres"), model.get("curvature"), model.get("floor")];
    if (now !== String([K, curvature, ζ])) {
      now = String([K, curvature, ζ]);
      made = variance(fits, K, curvature, ζ);
      grid = gridOn(box, made.surface);
      const logs = grid.images.map((x) => Math.log(x[2])), [least, most] = [Math.min(...logs), Math.max(...logs)];
      plane.heat(logs.map((value) => Math.round((255 * (value - least)) / (most - least || 1))));
      const places = range(0, K - 1, K - 1).map((k) => plane.onPaper(made.places.slice(2 * k, 2 * k + 2)));
      dots.setAttribute("d", places.map(([x, y]) => `M${point([x - 3, y])}a3,3 0 1 0 6,0a3,3 0 1 0 -6,0`).join(""));
    }
    const { points, L, straight } = geodesic(made.surface, grid, a, b), apart = hypot(b[0] - a[0], b[1] - a[1]);
    const u = apart ? mix(b, a, 1 / apart, -1 / apart) : [1, 0], reach = Math.max(reachOf(box, a, u), 1e-9);
    const ray = range(0, reach, 300).map((r) => made.gradient(mix(a, u, 1, r)));
    const slopes = ray.map(([, right, up]) => Math.abs(right * u[0] + up * u[1]));
    curves[0]([a, b]);
    curves[1](points);
    section.show(ray.map(([σ]) => σ), slopes, apart / reach, reach);
    showEnds();
    controls.centres.show(CENTRES.indexOf(K), K);
    controls.curvature.show(CURVATURES.indexOf(curvature), curvature);
    controls.floor.show(Math.log10(ζ), ζ);
    const [from, to] = [a, b].map(made.std), far = ζ ** -0.5;
    numbers.list.setAttribute("aria-busy", "false");
    numbers.show([text(L), text(straight), `${text(from)}, ${text(to)}`, text(far), text(Math.SQRT2 * (far - from)), text(Math.max(...slopes))]);
  }
  function changed() {
    numbers.list.setAttribute("aria-busy", "true");
    frame ||= requestAnimationFrame(draw); // what changes in between is taken together
    showEnds();
  }
  const CHANGES = "change:a change:b change:centres change:curvature change:floor";
  model.on(CHANGES, changed);
  draw();
  return () => {
    cancelAnimationFrame(frame);
    model.off(CHANGES, changed);
  };
}

export default { render };
