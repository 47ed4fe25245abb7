// Several decoders of one latent plane: the geodesic of each, and that of the mean of their metrics. The mean metric is
// the pullback of all decoders side by side, over √S: its lengths are root mean squares, so it is one more decoder.

const PIECES = 24;
const FINE = 4; // pieces of a chord where a length is measured
const NEAR = 1e-5; // a step that promises less than this part of the energy is the last
const SHADES = 32; // rows and columns of the heat map

/** The decoders that a figure holds. */
function decoders(layers, sizes, weights) {
  let at = weights.byteOffset;
  return layers.map((each, s) => {
    const view = new DataView(weights.buffer, at, sizes[s]);
    at += sizes[s];
    return decoder(each, view);
  });
}

/** z ↦ (f₁(z), …, f_S(z))/√S. */
function joint(members) {
  const scale = members.length ** -0.5;
  const beside = (parts) => Float64Array.from(parts.flatMap((x) => [...x]), (value) => scale * value);
  return {
    decode: (z) => beside(members.map(({ decode }) => decode(z))),
    jacobian: (z) => {
      const each = members.map(({ jacobian }) => jacobian(z));
      return [0, 1, 2].map((k) => beside(each.map((x) => x[k])));
    },
  };
}

/** The curve at rest that the straight line from a to b leads to, and its length. */
function geodesic(f, a, b) {
  const { points } = atRest(relaxing(f, NEAR), bent(a, b, PIECES));
  return { points, L: length(finer(points, FINE).map(f.decode)) };
}

const average = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;
/** The standard deviation of a sample. */
function spread(values) {
  const mean = average(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
}

/** V(z): the members' variance, summed over the pixels, from the images of one place. */
function disagreement(images) {
  let sum = 0;
  for (let i = 0; i < images[0].length; i += 1) {
    const mean = average(images.map((x) => x[i]));
    sum += average(images.map((x) => (x[i] - mean) ** 2));
  }
  return sum;
}

export const math = { PIECES, SHADES, decoders, joint, geodesic, length, average, spread, disagreement };

/** The length of each member's geodesic, the mean so far, and the length of the mean metric's. */
function drawLengths(count) {
  const [top, floor] = [16, 216];
  const drawing = svg("svg", { viewBox: `-8 -8 ${SIZE + 16} 262`, role: "img", "aria-label": "Length of the geodesic of each member, the mean of the members so far, and the length of the geodesic of the mean metric" });
  const dots = svg("path", { class: "lengths" }), mean = svg("path", { class: "theta section" }), whole = svg("path", { class: "geodesic" });
  const low = svg("text", { y: floor - 4 }), high = svg("text", { y: top - 6 });
  drawing.append(svg("path", { class: "frame", d: `M0,${floor}h${SIZE}` }), whole, mean, dots, low, high,
    svg("text", { y: floor + 18 }, "member 1"), svg("text", { x: SIZE, y: floor + 18, "text-anchor": "end" }, String(count)));
  const x = (s) => (count > 1 ? 30 + ((SIZE - 40) * s) / (count - 1) : SIZE / 2);
  const show = (lengths, all) => {
    const so = lengths.map((_, s) => average(lengths.slice(0, s + 1)));
    const [least, most] = [Math.min(...lengths, all), Math.max(...lengths, all)], pad = 0.15 * (most - least) || 1;
    const y = (L) => floor - ((floor - top) * (L - least + pad)) / (most - least + 2 * pad);
    dots.setAttribute("d", lengths.map((L, s) => `M${point([x(s) - 4, y(L)])}a4,4 0 1 0 8,0a4,4 0 1 0 -8,0`).join(""));
    mean.setAttribute("d", path(so.map((L, s) => [x(s), y(L)])));
    whole.setAttribute("d", path([[0, y(all)], [SIZE, y(all)]]));
    low.textContent = text(Math.max(least - pad, 0), 2);
    high.textContent = text(most + pad, 2);
  };
  return { drawing, show };
}

function render({ model, el }) {
  const root = stage(el, model.get("label")), box = model.get("box");
  const all = decoders(model.get("layers"), model.get("sizes"), model.get("weights"));
  const plane = drawPlane(box, model.get("codes"), "Latent plane, a denser grey where the members disagree more, with the codes, a geodesic of each member, that of the mean metric, and the movable ends A and B");
  const curves = ["member", "straight", "geodesic"].map(plane.curve), chart = drawLengths(all.length);
  const control = slider("Members S", String, [1, all.length, 1], (members) => change(model, { members }));
  const ends = () => ({ a: model.get("a"), b: model.get("b") });
  const showEnds = gripsOn(plane, ends, (name, z) => change(model, { [name]: z }));
  const numbers = readouts([["Length under one member, mean", "theta"], ["Standard deviation over members"], ["Coefficient of variation"], ["Length under the mean metric", "geodesic"], ["The straight line, mean metric", "straight"]]);
  root.append(
    html("div", { class: "explore-controls" }, control.row),
    html("div", { class: "explore-panels" }, panel("plane", "On the latent plane", plane.drawing), panel("plane", "Lengths of the geodesics", chart.drawing)),
    numbers.list,
    html("p", { class: "explore-note" }, "Thin: the geodesic of each member. Solid: that of the mean of their metrics. Each begins as the straight line, dashed, and is of least length among the curves near it. Circles: the lengths of the members; the line through them is their mean so far. Grey: how much the members disagree about the image, on a logarithmic scale."),
  );

  let frame = 0, heated = 0, between = "", own = [];
  /** A member's geodesic does not depend on the others: it is kept until an end moves. */
  const ownOf = (s, a, b) => (own[s] ??= geodesic(all[s], a, b));
  function heat(members) {
    const step = (box[1][0] - box[0][0]) / SHADES, last = SHADES - 1;
    const logs = range(0, last, last).flatMap((row) => range(0, last, last).map((column) => {
      const z = [box[0][0] + step * (column + 0.5), box[1][1] - step * (row + 0.5)];
      return Math.log(disagreement(members.map(({ decode }) => decode(z))) + 1e-12);
    }));
    const [least, most] = [Math.min(...logs), Math.max(...logs)];
    plane.heat(logs.map((value) => (255 * (value - least)) / (most - least || 1)));
  }
  function draw() {
    frame = 0;
    const { a, b } = ends(), S = model.get("members"), members = all.slice(0, S);
    if (heated !== S) heat(members);
    if (between !== String([a, b])) own = [];
    [heated, between] = [S, String([a, b])];
    const each = members.map((_, s) => ownOf(s, a, b)), f = joint(members), mean = geodesic(f, a, b);
    const lengths = each.map(({ L }) => L), straight = length(finer(bent(a, b, PIECES), FINE).map(f.decode));
    curves[0](...each.map(({ points }) => points));
    curves[1]([a, b]);
    curves[2](mean.points);
    chart.show(lengths, mean.L);
    showEnds();
    control.show(S, S);
    const [m, s] = [average(lengths), spread(lengths)];
    numbers.list.setAttribute("aria-busy", "false");
    numbers.show([text(m, 3), S > 1 ? text(s, 3) : "–", S > 1 && m > 0 ? `${text((100 * s) / m, 1)} %` : "–", text(mean.L, 3), text(straight, 3)]);
  }
  function changed() {
    numbers.list.setAttribute("aria-busy", "true");
    frame ||= requestAnimationFrame(draw); // what changes in between is taken together
    showEnds();
  }
  const CHANGES = "change:a change:b change:members";
  model.on(CHANGES, changed);
  draw();
  return () => {
    cancelAnimationFrame(frame);
    model.off(CHANGES, changed);
  };
}

export default { render };
