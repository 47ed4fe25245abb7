// A rubber band on a learned decoder: PIECES straight chords of data space between decoded points, end to end.
// A sweep pulls the inner points, one after the other, towards the middle of their decoded neighbours. To relax,
// all of them move at once, by Gauss-Newton steps on the same energy.

const PIECES = 32;

const start = (a, b, bend) => bent(a, b, PIECES, bend);

function bandOn({ decode, jacobian }) {
  /** Each inner point in turn: a Gauss-Newton step to where it is nearest to the middle of its neighbours. */
  function sweep(points) {
    const next = [...points], images = points.map(decode);
    for (let i = 1; i < points.length - 1; i += 1) {
      const middle = along(images[i - 1], images[i + 1], 0.5);
      const [x, ...tangents] = jacobian(next[i]);
      const pull = middle.map((value, k) => value - x[k]);
      const A = tangents.map((u) => tangents.map((v) => product(u, v)));
      A[0][0] += 1e-10 * A[1][1];
      const step = solve(A, tangents.map((u) => product(u, pull)));
      for (let share = 1; share > 1e-3; share /= 2) {
        const z = next[i].map((value, k) => value + share * step[k]), image = decode(z);
        if (gap(image, middle) < gap(x, middle)) {
          [next[i], images[i]] = [z, image];
          break;
        }
      }
    }
    return next;
  }
  return { sweep, relax: relaxing({ decode, jacobian }) };
}

export const math = { PIECES, decoder, bandOn, start, chords, length, energy, evenly };

const BENDS = [["Straight line", 0], ["Bent to the left", 0.6], ["Bent to the right", -0.6]];

/** Two strips of images, in equal steps of decoded length, and below them the speeds that the curves themselves have. */
function drawStrips(decode) {
  const floor = 226, top = 148;
  const drawing = svg("svg", { viewBox: `-8 -8 ${SIZE + 16} ${floor + 12}`, role: "img", "aria-label": "Nine decoded images along the band, nine along the straight line, and the speeds of both from A to B" });
  const strips = [["geodesic", "along the band", 0], ["straight", "along the straight line", 64]].map(([kind, name, y]) => {
    const put = drawStrip(drawing, kind, name, y);
    return (points, images) => put(evenly(points, images, SHOWN).map(decode));
  });
  const most = svg("text", { x: SIZE, y: 138, "text-anchor": "end" });
  drawing.append(svg("text", { y: 138 }, "speed of each piece"), most, svg("path", { class: "frame", d: `M0,${floor}h${SIZE}` }));
  const speeds = ["straight", "geodesic"].map((kind) => drawing.appendChild(svg("path", { class: kind })));
  const show = (points, images, line, lineImages) => {
    strips[0](points, images);
    strips[1](line, lineImages);
    const each = [lineImages, images].map((curve) => chords(curve).map((chord) => chord * (curve.length - 1)));
    const highest = Math.max(...each.flat());
    most.textContent = `at most ${text(highest, 1)}`;
    each.forEach((speed, i) => {
      const width = SIZE / speed.length, height = (v) => floor - ((floor - top) * v) / (highest || 1);
      speeds[i].setAttribute("d", path(speed.flatMap((v, k) => [[k * width, height(v)], [(k + 1) * width, height(v)]])));
    });
  };
  return { drawing, show };
}

function drawControls({ relax, once, again }) {
  const button = (name, act) => {
    const made = html("button", { type: "button" }, name);
    made.addEventListener("click", act);
    return made;
  };
  const select = html("select", {}, ...BENDS.map(([name, bend]) => html("option", { value: bend }, name)));
  select.addEventListener("change", again);
  const run = button("Relax", relax);
  const row = html("div", { class: "explore-controls" },
    html("label", {}, html("span", {}, "Start"), select), run, button("One sweep", once), button("Start again", again));
  return { row, bend: () => Number(select.value), show: (running) => { run.textContent = running ? "Stop" : "Relax"; } };
}

function render({ model, el }) {
  const root = stage(el, model.get("label"));
  const f = decoder(model.get("layers"), model.get("weights")), band = bandOn(f);
  const plane = drawPlane(model.get("box"), model.get("codes"), "Latent plane, a denser grey where the volume element is larger, with the codes, the band and its movable ends A and B");
  const dashed = plane.curve("straight"), solid = plane.curve("geodesic"), strips = drawStrips(f.decode);
  plane.heat(bytes(model.get("heat")));
  const numbers = readouts([
    ["Sweeps"], ["Gauss-Newton steps"], ["Energy E", "geodesic"], ["Length L", "geodesic"], ["L², the least E for this L"],
    ["Length of the straight line", "straight"], ["Lengths found at rest"],
  ]);
  let frame = 0, now = {}, line = [], lineImages = [], found = [];
  const stop = () => {
    cancelAnimationFrame(frame);
    frame = 0;
  };
  // the points last: they are what is drawn
  const put = (points, sweeps, steps) => change(model, { sweeps, steps, points });
  const assessed = (points) => (now.points === points ? now : (now = band.relax(points)));
  const from = (a, b) => {
    stop();
    put(start(a, b, controls.bend()), 0, 0);
  };
  const ends = () => ({ a: model.get("points")[0], b: model.get("points").at(-1) });

  /** One step for each picture; all of them at once for those who want no motion. */
  function run() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let [points, steps] = [model.get("points"), model.get("steps")];
    do {
      points = assessed(points).next;
      steps += 1;
    } while (still && !assessed(points).tight && steps < MOST);
    frame = assessed(points).tight || steps >= MOST ? 0 : requestAnimationFrame(run);
    put(points, model.get("sweeps"), steps);
  }
  const controls = drawControls({
    relax: () => {
      if (!frame && !now.tight) return run();
      stop();
      draw();
    },
    once: () => {
      stop();
      put(band.sweep(model.get("points")), model.get("sweeps") + 1, model.get("steps"));
    },
    again: () => from(ends().a, ends().b),
  });
  const showEnds = gripsOn(plane, ends, (name, z) => from(...Object.values({ ...ends(), [name]: z })));
  root.append(
    controls.row,
    html("div", { class: "explore-panels" }, panel("plane", "On the latent plane", plane.drawing), panel("plane", "Decoded, in equal steps of length", strips.drawing)),
    numbers.list,
    html("p", { class: "explore-note" }, "Dashed: the straight line of the latent plane. Solid: the band, a chain of straight chords between decoded points. Grey: √det G, denser where it is larger, on a logarithmic scale."),
  );

  function draw() {
    const points = model.get("points"), { a, b } = ends();
    if (String([a, b]) !== String([line[0], line.at(-1)])) { // other ends
      line = start(a, b);
      lineImages = line.map(f.decode);
      found = [];
    }
    const { images, tight } = assessed(points), L = length(images);
    if (tight && L > 0 && found.every((other) => Math.abs(L / other - 1) > SAME)) found.push(L);
    dashed([a, b]);
    solid(points);
    strips.show(points, images, line, lineImages);
    showEnds();
    controls.show(frame !== 0);
    numbers.list.setAttribute("aria-busy", String(frame !== 0)); // silent on the way, spoken at the end
    const rest = found.map((one) => text(one, 3)).join(", ");
    numbers.show([
      String(model.get("sweeps")), String(model.get("steps")), text(energy(images), 2), text(L, 3), text(L * L, 2), text(length(lineImages), 3),
      found.length > 1 ? `${rest}\nthe starts disagree` : rest || "none yet",
    ]);
  }
  model.on("change:points", draw);
  draw();
  return () => {
    stop();
    model.off("change:points", draw);
  };
}

export default { render };
