// Two places in five charts of the sphere. A chart is a pair of maps, `to` and `from`, between places
// (θ, φ) and points (u, v) of the plane, v upwards, and the range of θ that it can show.

const latitude = (θ) => PI / 2 - θ;
const cylindrical = (height, back) => ({
  to: ([θ, φ]) => [φ, height(latitude(θ))],
  from: ([u, v]) => [PI / 2 - back(v), u],
  shows: [0, PI],
  seam: true, // torn along φ = ±π
});

const equirectangular = cylindrical((λ) => λ, (v) => v);
const mercator = { ...cylindrical((λ) => Math.asinh(Math.tan(λ)), (v) => Math.atan(Math.sinh(v))), shows: [NEAREST, PI - NEAREST] };
const equalArea = cylindrical(sin, (v) => Math.asin(clamp(v, -1, 1)));
const azimuthal = {
  to: ([θ, φ]) => [θ * sin(φ), -θ * cos(φ)],
  from: ([u, v]) => [hypot(u, v), Math.atan2(u, -v)],
  shows: [0, PI],
  seam: false,
};

/** Mulberry32: the same numbers in [0, 1) for the same seed, in every browser. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A random smooth chart: shears by waves, each with an exact inverse, then a turn and a change of scale. */
function retrained(seed) {
  const draw = random(seed);
  const between = (low, high) => low + (high - low) * draw();
  const wave = () => {
    const [height, rate, phase] = [between(0.25, 0.55), between(0.7, 1.4), between(0, 2 * PI)];
    return (s) => height * sin(rate * s + phase);
  };
  const shears = [0, 1, 2].map(() => [wave(), wave()]);
  const [turn, scale] = [between(-PI, PI), between(0.4, 1.6)];
  const rotate = ([u, v], angle) => [u * cos(angle) - v * sin(angle), u * sin(angle) + v * cos(angle)];
  return {
    ...equirectangular,
    to(place) {
      let [u, v] = equirectangular.to(place);
      for (const [along, across] of shears) {
        u += along(v);
        v += across(u);
      }
      return rotate([u, v], turn).map((x) => scale * x);
    },
    from(at) {
      let [u, v] = rotate(at.map((x) => x / scale), -turn);
      for (const [along, across] of [...shears].reverse()) {
        v -= across(u);
        u -= along(v);
      }
      return equirectangular.from([u, v]);
    },
  };
}

const CHARTS = {
  equirectangular: ["Equirectangular", () => equirectangular],
  mercator: ["Mercator", () => mercator],
  "equal-area": ["Lambert, equal-area", () => equalArea],
  azimuthal: ["Azimuthal, from the North Pole", () => azimuthal],
  retrained: ["Retrained: a random smooth chart", retrained],
};
const chartOf = (name, seed) => CHARTS[name][1](seed);

/** Length of the straight line between two places of a chart, in the units of the chart. */
function ruler(chart, a, b) {
  const [p, q] = [chart.to(a), chart.to(b)];
  return hypot(p[0] - q[0], p[1] - q[1]);
}

const distance = (a, b) => angleBetween(onSphere(a), onSphere(b));

export const math = { NEAREST, onSphere, chartOf, charts: Object.keys(CHARTS), ruler, distance, greatCircle, placeOf };

const KILOMETRES = 6371; // the Earth's mean radius
const [ABOVE, BELOW] = [-11, 20]; // where a name stands beside its dot
const CITIES = [ // degrees north, degrees east
  ["Tromsø", 69.65, 18.96, ABOVE], ["Nairobi", -1.29, 36.82, BELOW],
  ["Tokyo", 35.68, 139.69, ABOVE], ["Sydney", -33.87, 151.21, BELOW], ["Honolulu", 21.31, -157.86, ABOVE],
  ["Lima", -12.05, -77.04, BELOW],
].map(([name, north, east, y]) => ({ name, y, place: [((90 - north) * PI) / 180, (east * PI) / 180] }));

function words([θ, φ]) {
  const [north, east] = [latitude(θ), φ].map((x) => (x * 180) / PI);
  return `${Math.abs(north).toFixed(1)}° ${north < 0 ? "S" : "N"}, ${Math.abs(east).toFixed(1)}° ${east < 0 ? "W" : "E"}`;
}

/** Lines of places, torn where they cross the seam φ = ±π of a chart. */
function tear(places) {
  const lines = [[]];
  places.forEach((place, i) => {
    const last = places[i - 1];
    if (last && Math.abs(place[1] - last[1]) > PI) {
      const edge = last[1] < 0 ? -PI : PI;
      const t = (edge - last[1]) / (place[1] + 2 * edge - last[1]);
      const θ = last[0] + t * (place[0] - last[0]);
      lines.at(-1).push([θ, edge]);
      lines.push([[θ, -edge]]);
    }
    lines.at(-1).push(place);
  });
  return lines;
}

function graticule({ shows: [low, high], seam }) {
  const meridian = (φ) => range(low, high, 60).map((θ) => [θ, φ]);
  const parallel = (θ) => range(-PI, PI, 120).map((φ) => [θ, φ]);
  const edge = seam ? [parallel(low), parallel(high), meridian(-PI), meridian(PI)] : [parallel(high)];
  return { edge, lines: [...range(-PI, PI, 12).map(meridian), ...range(PI / 6, (5 * PI) / 6, 4).map(parallel)] };
}

const drawCities = () => CITIES.map(({ name, y }) =>
  svg("g", { class: "city", "aria-hidden": "true" }, svg("circle", { r: 2.5 }), svg("text", { y }, name)));
const arcOf = (a, b) => range(0, 1, 240).map(greatCircle(a, b)).map(([x]) => x);

const [WIDTH, HEIGHT] = [400, 250];

/** The left panel. `show` fits the chart into it; `toPlace` undoes what `show` does to a place. */
function drawChart() {
  const inside = pane(-WIDTH / 2, -HEIGHT / 2, WIDTH, HEIGHT);
  const [grid, frame, solid, dashed] = ["grid", "frame", "geodesic", "straight"].map((kind) => inside.appendChild(svg("path", { class: kind })));
  const cities = drawCities();
  const bar = svg("path", { class: "frame" });
  const unit = svg("g", { class: "ticks", "aria-hidden": "true" }, bar, svg("text", { x: -WIDTH / 2, y: HEIGHT / 2 + 24 }, "one chart unit"));
  const drawing = svg("svg", { viewBox: `${-WIDTH / 2} ${-HEIGHT / 2} ${WIDTH} ${HEIGHT + 30}`, role: "group", "aria-label": "The chart, with the movable places A and B" });
  drawing.append(inside, ...cities, unit);

  let chart, fit;
  const toPanel = (place) => fit.to(chart.to(place));
  const toPlace = (at) => chart.from(fit.from(at));
  const draw = (node, lines) => node.setAttribute("d", lines.map((line) => path(line.map(toPanel))).join(""));
  const show = (which, a, b) => {
    chart = which;
    const lines = graticule(chart);
    fit = fitted(lines.edge.flat().map(chart.to), [WIDTH, HEIGHT], 8);
    draw(grid, lines.lines);
    draw(frame, lines.edge);
    const arc = arcOf(a, b).map(placeOf);
    draw(solid, chart.seam ? tear(arc) : [arc]);
    dashed.setAttribute("d", path([toPanel(a), toPanel(b)]));
    CITIES.forEach(({ place }, i) => setAt(cities[i], toPanel(place)));
    bar.setAttribute("d", `M${-WIDTH / 2 + 1},${HEIGHT / 2 + 3}v6h${fit.scale.toFixed(2)}v-6`);
  };
  return { drawing, show, toPanel, toPlace };
}

/** The right panel: the globe, turned so that the whole great circle is in front. */
function drawSphere() {
  const view = globe("The sphere with the places A and B, the great circle between them and the straight line of the chart");
  const solid = view.curve("geodesic"), dashed = view.curve("straight");
  const cities = drawCities();
  const ends = ["A", "B"].map(badge);
  view.drawing.append(...cities, ...ends);
  const mark = (node, place) => {
    const seen = view.see(onSphere(place));
    setAt(node, seen);
    node.setAttribute("opacity", seen[2] > -1e-9 ? 1 : 0.3);
    return seen[2];
  };
  const show = (chart, a, b) => {
    const [x, y] = [onSphere(a), onSphere(b)];
    const [θ, φ] = placeOf(x.map((value, k) => value + y[k]));
    view.look([PI / 2 - (0.6 * latitude(θ) + 0.2), φ]);
    const [p, q] = [chart.to(a), chart.to(b)];
    solid(arcOf(a, b));
    dashed(range(0, 1, 240).map((t) => onSphere(chart.from(p.map((value, k) => value + t * (q[k] - value))))));
    CITIES.forEach(({ place }, i) => cities[i].setAttribute("visibility", mark(cities[i], place) > 0.15 ? "visible" : "hidden"));
    [a, b].forEach((place, i) => mark(ends[i], place));
  };
  return { drawing: view.drawing, show };
}

function drawControls(model) {
  const options = Object.entries(CHARTS).map(([value, [name]]) => html("option", { value }, name));
  const select = html("select", {}, ...options);
  const button = html("button", { type: "button" }, "Retrain");
  select.addEventListener("change", () => change(model, { chart: select.value }));
  button.addEventListener("click", () => change(model, { chart: "retrained", seed: model.get("seed") + 1 }));
  const row = html("div", { class: "explore-controls" }, html("label", {}, html("span", {}, "Chart"), select), button);
  return { row, show: (name) => { select.value = name; } };
}

function render({ model, el }) {
  const root = stage(el, model.get("label"));
  const chart = drawChart(), sphere = drawSphere(), controls = drawControls(model);
  const move = (name, [θ, φ]) => change(model, { [name]: [clamp(θ, NEAREST, PI - NEAREST), clamp(φ, -PI, PI)] });
  const points = ["b", "a"].map((name) => [name, handle(chart.drawing, {
    name: `Place ${name.toUpperCase()}`, mark: name.toUpperCase(), bounds: [-90, 90],
    drag: (at) => move(name, chart.toPlace(at)),
    step: (by) => move(name, chart.toPlace(chart.toPanel(model.get(name)).map((x, k) => x + 8 * by[k]))),
  })]);
  const numbers = readouts([["Ruler on the chart", "straight"], ["Distance on the sphere", "geodesic"], ["The two places"]]);
  root.append(
    controls.row,
    html("div", { class: "explore-panels" },
      panel("chart", "On the chart", chart.drawing),
      panel("globe", "On the sphere", sphere.drawing)),
    numbers.list,
    html("p", { class: "explore-note" }, `Kilometres are those of a globe with the Earth's mean radius, ${KILOMETRES} km.`),
  );

  function draw() {
    const [a, b, which] = [model.get("a"), model.get("b"), chartOf(model.get("chart"), model.get("seed"))];
    controls.show(model.get("chart"));
    chart.show(which, a, b);
    sphere.show(which, a, b);
    for (const [name, put] of points) {
      const place = model.get(name);
      put(...chart.toPanel(place), (latitude(place[0]) * 180) / PI, words(place));
    }
    const angle = distance(a, b);
    const kilometres = Math.round(KILOMETRES * angle).toLocaleString("en");
    numbers.show([`${text(ruler(which, a, b))} chart units`, `${text(angle)} radians\n${kilometres} km`, `A ${words(a)}\nB ${words(b)}`]);
  }
  const CHANGES = "change:a change:b change:chart change:seed";
  model.on(CHANGES, draw);
  draw();
  return () => model.off(CHANGES, draw);
}

export default { render };
