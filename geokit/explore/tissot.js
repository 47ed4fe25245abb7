// Tissot's ellipses on the chart (θ, φ) of the sphere. All that is drawn is computed from the Jacobian.

/** The columns of J: how the place x = onSphere(z) moves with θ and with φ. */
function jacobian([θ, φ]) {
  return [
    [cos(θ) * cos(φ), cos(θ) * sin(φ), -sin(θ)],
    [-sin(θ) * sin(φ), sin(θ) * cos(φ), 0],
  ];
}

function metric(z) {
  const columns = jacobian(z);
  return columns.map((u) => columns.map((v) => dot(u, v)));
}

function volumeElement(z) {
  const [[a, b], [c, d]] = metric(z);
  return Math.sqrt(a * d - b * c);
}

/** 1/√λ along θ and along φ: G is diagonal, so these are the directions of its eigenvectors. */
function halfAxes(z) {
  const G = metric(z);
  return [1 / Math.sqrt(G[0][0]), 1 / Math.sqrt(G[1][1])];
}

/** The steps v with vᵀ G v = 1, all around. */
function unitBall(z, steps = 63) {
  const [a, b] = halfAxes(z);
  return range(0, 2 * PI, steps).map((t) => [a * cos(t), b * sin(t)]);
}

/** Jv: where a step v at z leads, in the plane that touches the sphere. */
function push(z, v) {
  const [u, w] = jacobian(z);
  return u.map((_, k) => u[k] * v[0] + w[k] * v[1]);
}

export const math = { NEAREST, onSphere, jacobian, metric, volumeElement, halfAxes, unitBall, push };

const SCALE = 0.2; // ellipses and circles are drawn at a fifth of their size
const UNIT = 56; // a radian on the chart
const STEP = PI / 72; // an arrow key moves the point by 2.5°
const COLUMNS = range((-5 * PI) / 6, (5 * PI) / 6, 5);
const ROWS = range(PI / 6, (5 * PI) / 6, 4);
const GRID = ROWS.flatMap((θ) => COLUMNS.map((φ) => [θ, φ]));
const AXES = [["theta", [1, 0]], ["phi", [0, 1]]];

const onChart = ([θ, φ]) => [UNIT * φ, UNIT * θ];
const stepOnChart = (z, v) => onChart([z[0] + SCALE * v[0], z[1] + SCALE * v[1]]);
const stepOnSphere = (z, v) => {
  const x = onSphere(z), Jv = push(z, v);
  return x.map((_, k) => x[k] + SCALE * Jv[k]);
};
/** Both ways along one half axis: from −v to v. */
const axis = (z, [i, j]) => {
  const [a, b] = halfAxes(z);
  return [-1, 1].map((sign) => [sign * i * a, sign * j * b]);
};

function drawChart() {
  const frame = { x: -UNIT * PI, y: 0, width: 2 * UNIT * PI, height: UNIT * PI };
  const inside = pane(...Object.values(frame));
  const parallel = (θ) => path([onChart([θ, -PI]), onChart([θ, PI])]);
  const meridian = (φ) => path([onChart([0, φ]), onChart([PI, φ])]);
  const lines = [...ROWS.map(parallel), ...range(-PI, PI, 12).map(meridian)].join("");
  inside.append(svg("path", { class: "grid", d: lines }));
  inside.append(svg("path", { class: "ball", d: GRID.map((z) => path(unitBall(z).map((v) => stepOnChart(z, v)))).join("") }));
  const ball = inside.appendChild(svg("path", { class: "ball here" }));
  const axes = AXES.map(([name]) => inside.appendChild(svg("path", { class: `axis ${name}` })));

  const tick = (x, y, label, anchor) => svg("text", { x, y, "text-anchor": anchor }, label);
  const ticks = svg("g", { class: "ticks", "aria-hidden": "true" });
  [["0", 0], ["π/2", PI / 2], ["π", PI]].forEach(([label, θ]) =>
    ticks.append(tick(-UNIT * PI - 6, UNIT * θ + 4, label, "end")));
  [["−π", -PI], ["−π/2", -PI / 2], ["0", 0], ["π/2", PI / 2], ["π", PI]].forEach(([label, φ]) =>
    ticks.append(tick(UNIT * φ, UNIT * PI + 16, label, "middle")));
  ticks.append(tick(0, UNIT * PI + 34, "longitude φ (radians)", "middle"));
  const upright = tick(0, 0, "colatitude θ (radians)", "middle");
  ticks.append(fill(upright, { transform: `translate(${-UNIT * PI - 34} ${(UNIT * PI) / 2}) rotate(-90)` }, []));

  const drawing = svg("svg", {
    viewBox: "-224 -8 412 224", role: "group",
    "aria-label": "Chart of the sphere, longitude to the right, colatitude downwards, with a movable point",
  });
  drawing.append(inside, svg("rect", { ...frame, class: "frame" }), ticks);
  const show = (z) => {
    ball.setAttribute("d", path(unitBall(z).map((v) => stepOnChart(z, v))));
    AXES.forEach(([, way], i) => axes[i].setAttribute("d", path(axis(z, way).map((v) => stepOnChart(z, v)))));
  };
  return { drawing, show };
}

function drawSphere() {
  const view = globe("The sphere, turned so that the point is in front: its unit circle is round, always of one size");
  const grid = view.curve("ball"), circle = view.curve("ball here");
  const axes = AXES.map(([name]) => view.curve(`axis ${name}`));
  view.drawing.append(svg("circle", { r: 4, class: "knob" }));
  const show = (z) => {
    view.look(z);
    const inSight = GRID.filter((at) => view.see(onSphere(at))[2] > 0.25);
    grid(...inSight.map((at) => unitBall(at).map((v) => stepOnSphere(at, v))));
    circle(unitBall(z).map((v) => stepOnSphere(z, v)));
    AXES.forEach(([, way], i) => axes[i](axis(z, way).map((v) => stepOnSphere(z, v))));
  };
  return { drawing: view.drawing, show };
}

function slider(name, low, high, move) {
  const input = html("input", { type: "range", min: low, max: high, step: "any" });
  input.addEventListener("input", () => move(clamp(input.valueAsNumber, low, high)));
  return { row: html("label", {}, html("span", {}, name), input), input };
}

function render({ model, el }) {
  const root = stage(el, model.get("label"));
  const place = () => [model.get("theta"), model.get("phi")];
  const move = ([θ, φ]) => change(model, { theta: clamp(θ, NEAREST, PI - NEAREST), phi: clamp(φ, -PI, PI) });
  const chart = drawChart(), sphere = drawSphere();
  const point = handle(chart.drawing, {
    name: "Point on the chart", bounds: [NEAREST, PI - NEAREST],
    drag: ([x, y]) => move([y / UNIT, x / UNIT]),
    step: ([dx, dy]) => move([place()[0] + dy * STEP, place()[1] + dx * STEP]),
  });
  const theta = slider("θ", NEAREST, PI - NEAREST, (θ) => move([θ, place()[1]]));
  const phi = slider("φ", -PI, PI, (φ) => move([place()[0], φ]));
  const numbers = readouts([
    ["Point (θ, φ)"], ["Metric G = diag(1, sin²θ)"], ["Volume element √det G"],
    ["Half axis along θ", "theta"], ["Half axis along φ", "phi"], ["Radius on the sphere"],
  ]);
  root.append(
    html("div", { class: "explore-panels" },
      panel("chart", "On the chart: an ellipse", chart.drawing),
      panel("globe", "On the sphere: a circle", sphere.drawing)),
    html("div", { class: "explore-controls" }, theta.row, phi.row),
    numbers.list,
    html("p", { class: "explore-note" }, "Ellipses and circles are drawn at a fifth of their size."),
  );

  function draw() {
    const z = place(), G = metric(z), [a, b] = halfAxes(z);
    chart.show(z);
    sphere.show(z);
    theta.input.value = z[0];
    phi.input.value = z[1];
    const where = `θ ${text(z[0])}, φ ${text(z[1])} radians`;
    point(...onChart(z), z[0], where);
    numbers.show([
      `(${text(z[0])}, ${text(z[1])})`, `diag(${text(G[0][0], 0)}, ${text(G[1][1], 3)})`, text(volumeElement(z), 3),
      text(a), text(b), "1.00",
    ]);
  }
  model.on("change:theta change:phi", draw);
  draw();
  return () => model.off("change:theta change:phi", draw);
}

export default { render };
