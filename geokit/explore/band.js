// A rubber band on a learned decoder: PIECES straight chords of data space between decoded points, end to end.
// A sweep pulls the inner points, one after the other, towards the middle of their decoded neighbours. To relax,
// all of them move at once, by Gauss-Newton steps on the same energy.

const PIECES = 32;
const TIGHT = 1e-8; // a step that promises less than this part of the energy is the last
const SAME = 1e-3; // lengths that differ by a smaller part count as one
const MOST = 500; // steps

// loops, where a call for each of hundreds of pixels would cost more than the sum itself
function product(x, y) {
  let sum = 0;
  for (let k = 0; k < x.length; k += 1) sum += x[k] * y[k];
  return sum;
}
function gap(x, y) {
  let sum = 0;
  for (let k = 0; k < x.length; k += 1) sum += (x[k] - y[k]) ** 2;
  return sum;
}
const along = (a, b, t) => a.map((x, k) => x + t * (b[k] - x));

/** From a to b: the straight line of the latent plane, or bent to its left (bend > 0) or its right. */
function start(a, b, bend = 0) {
  const across = [a[1] - b[1], b[0] - a[0]];
  const inner = range(0, 1, PIECES).slice(1, -1).map((t) => along(a, b, t).map((x, k) => x + bend * sin(PI * t) * across[k]));
  return [a, ...inner, b];
}

const chords = (images) => images.slice(1).map((x, i) => Math.sqrt(gap(x, images[i])));
const length = (images) => chords(images).reduce((sum, chord) => sum + chord, 0);
/** ∫ |velocity|² over the time from 0 to 1, each chord in an equal share of it. */
const energy = (images) => (images.length - 1) * chords(images).reduce((sum, chord) => sum + chord * chord, 0);

/** Solves Ap = g, A symmetric, positive definite, and zero more than three places off its diagonal. */
function solve(A, g) {
  const p = [...g], size = g.length, reach = (k) => Math.min(k + 3, size - 1);
  for (let k = 0; k < size; k += 1) {
    for (let i = k + 1; i <= reach(k); i += 1) {
      const share = A[i][k] / A[k][k];
      for (let j = k; j <= reach(k); j += 1) A[i][j] -= share * A[k][j];
      p[i] -= share * p[k];
    }
  }
  for (let k = size - 1; k >= 0; k -= 1) {
    for (let j = k + 1; j <= reach(k); j += 1) p[k] -= A[k][j] * p[j];
    p[k] /= A[k][k];
  }
  return p;
}

/** The Gauss-Newton system of half the energy of unit steps: matrix A and gradient g, two rows a point. */
function system(images, tangents) {
  const columns = tangents.flat(), size = columns.length, A = columns.map(() => new Float64Array(size));
  const g = columns.map((column, r) => {
    const i = 1 + (r >> 1);
    return product(column, images[i].map((x, k) => 2 * x - images[i - 1][k] - images[i + 1][k]));
  });
  columns.forEach((column, r) => {
    for (let c = r; c < Math.min(2 * (r >> 1) + 4, size); c += 1)
      A[r][c] = A[c][r] = (c >> 1 === r >> 1 ? 2 : -1) * product(column, columns[c]);
  });
  const ridge = (1e-10 * A.reduce((sum, row, r) => sum + row[r], 0)) / size || 1; // for directions that the decoder does not see
  A.forEach((row, r) => { row[r] += ridge; });
  return { A, g };
}

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

  /** The images of the band, where the `next` Gauss-Newton step takes all of it, and whether it is `tight` already. */
  function relax(points) {
    const found = points.slice(1, -1).map(jacobian);
    const images = [decode(points[0]), ...found.map(([x]) => x), decode(points.at(-1))];
    const { A, g } = system(images, found.map(([, ...tangents]) => tangents));
    const p = solve(A, g), gain = product(g, p), E = energy(images);
    const promise = (points.length - 1) * gain;
    for (let share = 1; promise > TIGHT * E && share > 1e-4; share /= 2) {
      const next = points.map((z, i) => z.map((x, k) => x - share * (p[2 * i - 2 + k] ?? 0))); // the ends stay
      if (energy(next.map(decode)) < E - 1e-4 * share * promise) return { points, images, next, tight: false };
    }
    return { points, images, next: points, tight: true };
  }
  return { sweep, relax };
}

/** `count` points of the latent polyline at equal shares of its decoded length. */
function evenly(points, images, count) {
  const clock = [0];
  for (const chord of chords(images)) clock.push(clock.at(-1) + chord);
  return range(0, clock.at(-1), count - 1).map((s) => {
    const i = Math.min(clock.findLastIndex((c) => c <= s), points.length - 2);
    return along(points[i], points[i + 1], (s - clock[i]) / (clock[i + 1] - clock[i] || 1));
  });
}

export const math = { PIECES, decoder, bandOn, start, chords, length, energy, evenly };

const SIZE = 300; // of the drawings
const SMALL = 0.6; // of the size of other words
const SHOWN = 9; // images in a strip
const STEP = 1 / 60; // of the plane, by an arrow key
const BENDS = [["Straight line", 0], ["Bent to the left", 0.6], ["Bent to the right", -0.6]];

/** Square pictures side by side, as an address: `paint` makes red, green, blue and alpha of a pixel's value. */
function picture(pictures, side, paint) {
  const canvas = html("canvas", { width: pictures.length * (side + 1) - 1, height: side }), ink = canvas.getContext("2d");
  pictures.forEach((values, k) => {
    const pixels = ink.createImageData(side, side);
    values.forEach((value, i) => pixels.data.set(paint(value), 4 * i));
    ink.putImageData(pixels, k * (side + 1), 0);
  });
  return canvas.toDataURL();
}

/** The latent plane: grey where √det G is large, the codes, both curves. `onPaper` and `offPaper` lead there and back. */
function drawPlane(model) {
  const [low, high] = model.get("box"), scale = SIZE / (high[0] - low[0]);
  const onPaper = ([x, y]) => [scale * (x - low[0]), scale * (high[1] - y)];
  const offPaper = ([x, y]) => [x / scale + low[0], high[1] - y / scale];
  const whole = { width: SIZE, height: SIZE };
  const drawing = svg("svg", { viewBox: `-8 -8 ${SIZE + 16} ${SIZE + 16}`, role: "group", "aria-label": "Latent plane, a denser grey where the volume element is larger, with the codes, the band and its movable ends A and B" });
  const heat = model.get("heat"), side = Math.sqrt(heat.byteLength);
  const shares = Array.from({ length: heat.byteLength }, (_, i) => heat.getUint8(i));
  const ground = picture([shares], side, (share) => [128, 128, 128, 0.75 * share]);
  const codes = model.get("codes").map(([x, y, name]) => {
    const [right, down] = onPaper([x, y]).map((at) => at / SMALL);
    return svg("text", { x: right.toFixed(1), y: (down + 4).toFixed(1) }, name);
  });
  const dashed = svg("path", { class: "straight" }), solid = svg("path", { class: "geodesic" });
  drawing.append(
    svg("svg", { ...whole, viewBox: `0 0 ${SIZE} ${SIZE}` },
      svg("image", { ...whole, href: ground, preserveAspectRatio: "none" }),
      svg("g", { transform: `scale(${SMALL})`, opacity: 0.5, "text-anchor": "middle", "aria-hidden": "true" }, ...codes), dashed, solid),
    svg("rect", { ...whole, class: "frame" }),
  );
  const show = (points) => {
    dashed.setAttribute("d", path([points[0], points.at(-1)].map(onPaper)));
    solid.setAttribute("d", path(points.map(onPaper)));
  };
  return { drawing, show, onPaper, offPaper, low, high };
}

/** Two strips of images, in equal steps of decoded length, and below them the speeds that the curves themselves have. */
function drawStrips(decode) {
  const floor = 226, top = 148;
  const drawing = svg("svg", { viewBox: `-8 -8 ${SIZE + 16} ${floor + 12}`, role: "img", "aria-label": "Nine decoded images along the band, nine along the straight line, and the speeds of both from A to B" });
  const strips = [["geodesic", "along the band", 0], ["straight", "along the straight line", 64]].map(([kind, name, y]) => {
    const row = svg("image", { y: y + 12, width: SIZE, height: 36, preserveAspectRatio: "xMidYMin" });
    drawing.append(svg("path", { class: kind, d: `M2,${y + 2}h26` }), svg("text", { x: 36, y: y + 6 }, name), row);
    return (points, images) => {
      const shown = evenly(points, images, SHOWN).map(decode), side = Math.sqrt(shown[0].length);
      const ink = (value) => [...[0, 1, 2].map(() => 255 * (1 - value)), 255];
      if (Number.isInteger(side)) row.setAttribute("href", picture(shown, side, ink)); // else it is no square picture
    };
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
  const plane = drawPlane(model), strips = drawStrips(f.decode);
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
  const grips = ["b", "a"].map((name) => {
    const move = (z) => from(...Object.values({ ...ends(), [name]: z.map((x, k) => clamp(x, plane.low[k], plane.high[k])) }));
    const step = STEP * (plane.high[0] - plane.low[0]);
    return [name, handle(plane.drawing, {
      name: `End ${name.toUpperCase()}`, mark: name.toUpperCase(), bounds: [plane.low[0], plane.high[0]],
      drag: (at) => move(plane.offPaper(at)),
      step: ([dx, dy]) => move([ends()[name][0] + step * dx, ends()[name][1] - step * dy]),
    })];
  });
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
    plane.show(points);
    strips.show(points, images, line, lineImages);
    grips.forEach(([name, show]) => {
      const z = ends()[name];
      show(...plane.onPaper(z), z[0], `z₁ ${text(z[0])}, z₂ ${text(z[1])}`);
    });
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
