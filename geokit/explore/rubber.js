// A rubber band on the sphere: PIECES arcs of great circles end to end. A sweep pulls each inner point to
// the middle of its neighbours, where the two arcs beside it have the least energy, and the least length.

const LOW = [PI / 9, -1.4], HIGH = [(PI * 8) / 9, 1.4]; // the part of the chart that is shown
const PIECES = 32;
const MOST = 5000; // sweeps

/** The straight line of the chart, put on the sphere. */
const start = (a, b) => range(0, 1, PIECES).map((t) => onSphere(a.map((x, k) => x + t * (b[k] - x))));

function sweep(band) {
  const next = [...band];
  for (let i = 1; i < PIECES; i += 1) {
    const middle = next[i - 1].map((x, k) => x + next[i + 1][k]), size = hypot(...middle);
    next[i] = middle.map((x) => x / size);
  }
  return next;
}

function pulled(a, b, sweeps) {
  let band = start(a, b);
  for (let i = 0; i < sweeps; i += 1) band = sweep(band);
  return band;
}

const arcs = (band) => band.slice(1).map((x, i) => angleBetween(band[i], x));
const length = (band) => arcs(band).reduce((sum, arc) => sum + arc, 0);
/** ∫ |velocity|² over the time from 0 to 1, each arc in an equal share of it. */
const energy = (band) => PIECES * arcs(band).reduce((sum, arc) => sum + arc * arc, 0);

export const math = { LOW, HIGH, MOST, start, sweep, pulled, length, energy };

const STEP = 0.05;
const EVERY = 20; // sweeps at once, for each picture
const VIEW = [-152, -134, 304, 268];
const { onPaper, offPaper } = paper(100);
const GRID = [
  ...range(LOW[0], HIGH[0], 7).map((θ) => [[θ, LOW[1]], [θ, HIGH[1]]]),
  ...range(LOW[1], HIGH[1], 8).map((φ) => [[LOW[0], φ], [HIGH[0], φ]]),
];

function drawChart() {
  const drawing = svg("svg", { viewBox: VIEW.join(" "), role: "group", "aria-label": "Chart of the sphere, longitude to the right, colatitude downwards, with the band and its movable ends A and B" });
  const inside = drawing.appendChild(pane(...VIEW));
  inside.append(svg("path", { class: "grid", d: GRID.map((line) => path(line.map(onPaper))).join("") }));
  const dashed = inside.appendChild(svg("path", { class: "straight" })), solid = inside.appendChild(svg("path", { class: "geodesic" }));
  const show = (a, b, band) => {
    dashed.setAttribute("d", path([a, b].map(onPaper)));
    solid.setAttribute("d", path(band.map(placeOf).map(onPaper)));
  };
  return { drawing, show };
}

function drawSphere() {
  const view = globe("The sphere with the band, and dashed the straight line of the chart");
  const dashed = view.curve("straight"), solid = view.curve("geodesic");
  const ends = ["A", "B"].map((name) => view.drawing.appendChild(badge(name)));
  view.look([1.2, 0]);
  const show = (a, b, band) => {
    dashed(start(a, b));
    solid(band);
    [a, b].forEach((z, i) => setAt(ends[i], view.see(onSphere(z))));
  };
  return { drawing: view.drawing, show };
}

function render({ model, el }) {
  const root = stage(el, model.get("label"));
  const chart = drawChart(), sphere = drawSphere();
  let frame = 0;
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
  };
  const pull = (more) => change(model, { sweeps: Math.min(model.get("sweeps") + more, MOST) });
  const move = (name, z) => {
    stop();
    model.set("sweeps", 0);
    change(model, { [name]: z.map((x, k) => clamp(x, LOW[k], HIGH[k])) });
  };
  const tight = () => {
    const band = pulled(model.get("a"), model.get("b"), model.get("sweeps"));
    return model.get("sweeps") >= MOST || energy(band) - angleBetween(band[0], band[PIECES]) ** 2 < 1e-6;
  };
  function run() {
    do pull(EVERY); while (!tight() && matchMedia("(prefers-reduced-motion: reduce)").matches);
    frame = tight() ? 0 : requestAnimationFrame(run);
    draw();
  }
  const button = (name, act) => {
    const made = html("button", { type: "button" }, name);
    made.addEventListener("click", act);
    return made;
  };
  const relax = button("Relax", () => {
    if (!frame) return run();
    stop();
    draw();
  });
  const once = button("One sweep", () => { stop(); pull(1); });
  const again = button("Start again", () => { stop(); change(model, { sweeps: 0 }); });
  const grips = ["b", "a"].map((name) => [name, handle(chart.drawing, {
    name: `End ${name.toUpperCase()}`, mark: name.toUpperCase(), bounds: [LOW[0], HIGH[0]],
    drag: (at) => move(name, offPaper(at)),
    step: ([dx, dy]) => move(name, [model.get(name)[0] + STEP * dy, model.get(name)[1] + STEP * dx]),
  })]);
  const numbers = readouts([["Sweeps"], ["Energy E", "geodesic"], ["Length L", "geodesic"], ["L², the least E for this L"], ["Distance on the sphere"]]);
  root.append(
    html("div", { class: "explore-controls" }, relax, once, again),
    html("div", { class: "explore-panels" }, panel("plane", "On the chart", chart.drawing), panel("globe", "On the sphere", sphere.drawing)),
    numbers.list,
    html("p", { class: "explore-note" }, "Dashed: the straight line of the chart, where the band starts. Solid: the band. A sweep pulls each of its inner points to the middle of its neighbours."),
  );

  function draw() {
    const [a, b, sweeps] = [model.get("a"), model.get("b"), model.get("sweeps")];
    const band = pulled(a, b, sweeps), L = length(band);
    chart.show(a, b, band);
    sphere.show(a, b, band);
    grips.forEach(([name, put]) => {
      const z = model.get(name);
      put(...onPaper(z), z[0], `θ ${text(z[0])}, φ ${text(z[1])} radians`);
    });
    relax.textContent = frame ? "Stop" : "Relax";
    numbers.list.setAttribute("aria-busy", String(frame !== 0)); // silent on the way, spoken at the end
    numbers.show([String(sweeps), text(energy(band), 4), text(L, 4), text(L * L, 4), text(angleBetween(band[0], band[PIECES]), 4)]);
  }
  const CHANGES = "change:a change:b change:sweeps";
  model.on(CHANGES, draw);
  draw();
  return () => {
    stop();
    model.off(CHANGES, draw);
  };
}

export default { render };
