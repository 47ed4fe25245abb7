// A map of the latent plane with its decoder: the geodesic between two ends follows them as they move.
// It is a chain of PIECES chords, carried along with the ends and pulled tight by Gauss-Newton steps, one a picture.

const PIECES = 24;
const FINE = 4; // pieces of a chord where a length is measured at rest
const NEAR = 1e-4; // a step that promises less than this part of the energy is the last: lengths to 0.1 %
const PALE = 0.3; // strength of the heat map, below coloured codes

/** The curve between other ends: each point moves by its share of what they move. */
function carried(points, a, b) {
  const [da, db] = [mix(a, points[0], 1, -1), mix(b, points.at(-1), 1, -1)];
  return points.map((z, i) => {
    const t = i / (points.length - 1);
    return z.map((x, k) => x + (1 - t) * da[k] + t * db[k]);
  });
}

/** A curve with its images and its running length at each point, if need be with FINE pieces for one. */
function measured({ points, images }, decode = null) {
  if (decode) {
    points = finer(points, FINE);
    images = points.map(decode);
  }
  const clock = [0];
  for (const chord of chords(images)) clock.push(clock.at(-1) + chord);
  return { points, images, clock };
}

export const math = { PIECES, NEAR, half, decoder, relaxing, atRest, bent, carried, measured, energy, evenly };

/** The strip of each curve, with the running length at each of its images. */
function drawStrips(decode) {
  const drawing = svg("svg", { viewBox: `-8 -8 ${SIZE + 16} 164`, role: "group", "aria-label": "Nine decoded images along the geodesic and nine along the straight line, and how long each curve is as far as each of them" });
  const rows = [["geodesic", "geodesic, at constant speed", 0], ["straight", "straight line, in equal latent steps", 82]].map(([kind, name, y]) => {
    const put = drawStrip(drawing, kind, name, y);
    const lengths = range(0, SHOWN - 1, SHOWN - 1).map((k) => svg("text", { x: (SIZE / SHOWN) * (k + 0.5), y: y + 60 }));
    drawing.append(svg("g", { class: "running" }, ...lengths));
    return (stops, reached) => {
      put(stops.map(decode));
      lengths.forEach((node, k) => { node.textContent = text(reached[k], 1); });
    };
  });
  return { drawing, show: (...strips) => strips.forEach((strip, i) => rows[i](...strip)) };
}

const dots = (places) => places.map(([x, y]) => `M${point([x - 2.6, y])}a2.6,2.6 0 1 0 5.2,0a2.6,2.6 0 1 0 -5.2,0`).join("");

function render({ model, el }) {
  const root = stage(el, model.get("label"));
  const f = decoder(model.get("layers"), model.get("weights")), relax = relaxing(f, NEAR);
  const plane = drawPlane(model.get("box"), model.get("codes"), "Latent plane, each code drawn as its class, with the geodesic, the straight line and their movable ends A and B");
  plane.drawing.classList.add("coloured");
  plane.heat(bytes(model.get("heat")), PALE);
  const curves = ["straight", "geodesic"].map(plane.curve), strips = drawStrips(f.decode);
  const stops = ["stops straight", "stops"].map((kind) => plane.shown.appendChild(svg("path", { class: kind })));
  const ends = () => ({ a: model.get("a"), b: model.get("b") });
  const showEnds = gripsOn(plane, ends, (name, z) => change(model, { [name]: z }));
  const numbers = readouts([["Length of the geodesic", "geodesic"], ["Length of the straight line", "straight"], ["The straight line is longer by"], ["Straight line in the plane"]]);
  root.append(
    html("div", { class: "explore-panels" }, panel("plane", "On the latent plane", plane.drawing), panel("plane", "Decoded, with running lengths", strips.drawing)),
    numbers.list,
    html("p", { class: "explore-note" }, "Solid: the geodesic, of least decoded length among the curves near it. Dashed: the straight line of the latent plane. The dots are where the images are decoded. Grey: √det G, denser where it is larger, on a logarithmic scale."),
  );

  let frame = 0, best, line, rival, starts;
  /** The ends have moved: the curve goes with them. A straight line may lead to a shorter one. */
  function follow() {
    const { a, b } = ends(), points = bent(a, b, PIECES);
    [rival, starts] = [null, best ? [points] : []];
    best = relax(best ? carried(best.points, a, b) : points);
    line = { points, images: points.map(f.decode) };
  }
  /** One step further; true at rest, when the tight curve is no longer than the one that began as a straight line. */
  function step() {
    if (!best.tight) best = relax(best.next);
    else if (starts.length) rival = relax(starts.pop());
    else if (rival && !rival.tight) rival = relax(rival.next);
    else {
      if (rival && length(rival.images) < (1 - SAME) * length(best.images)) best = rival;
      return true;
    }
    return false;
  }
  function run() {
    frame = 0;
    const { a, b } = ends(), still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!line || String([a, b]) !== String([line.points[0], line.points.at(-1)])) follow();
    let rest = step();
    while (still && !rest) rest = step();
    if (!rest) frame = requestAnimationFrame(run);
    draw(rest);
  }
  function draw(rest) {
    const { a, b } = ends(), [tight, straight] = [best, line].map((curve) => measured(curve, rest && f.decode));
    curves[0]([a, b]);
    curves[1](best.points);
    const even = evenly(tight.points, tight.images, SHOWN), steps = range(0, 1, SHOWN - 1).map((t) => along(a, b, t));
    [steps, even].forEach((places, i) => stops[i].setAttribute("d", dots(places.map(plane.onPaper))));
    const [L, M] = [tight, straight].map(({ clock }) => clock.at(-1));
    const every = straight.clock.filter((_, i) => i % ((straight.clock.length - 1) / (SHOWN - 1)) === 0);
    strips.show([even, range(0, L, SHOWN - 1)], [steps, every]);
    numbers.list.setAttribute("aria-busy", String(!rest)); // silent on the way, spoken at the end
    numbers.show([text(L), text(M), L > 0 ? `${text(100 * (M / L - 1), 1)} %` : "–", `${text(hypot(b[0] - a[0], b[1] - a[1]))} latent units`]);
  }
  function moved() {
    showEnds();
    numbers.list.setAttribute("aria-busy", "true");
    frame ||= requestAnimationFrame(run); // what moves in between is taken together
  }
  model.on("change:a change:b", moved);
  showEnds();
  run();
  return () => {
    cancelAnimationFrame(frame);
    model.off("change:a change:b", moved);
  };
}

export default { render };
