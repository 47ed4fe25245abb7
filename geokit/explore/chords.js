// Geodesics as chains of straight chords: the least energy of decoded points, by Gauss-Newton steps on all of them.

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

/** From a to b in equal pieces: the straight line of the latent plane, or bent to its left (bend > 0) or its right. */
function bent(a, b, pieces, bend = 0) {
  const across = [a[1] - b[1], b[0] - a[0]];
  const inner = range(0, 1, pieces).slice(1, -1).map((t) => along(a, b, t).map((x, k) => x + bend * sin(PI * t) * across[k]));
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

/** Makes of a curve, as its points: their images, where the `next` Gauss-Newton step takes them, and whether they are `tight`: whether the step promises less than the `least` part of their energy. */
const relaxing = ({ decode, jacobian }, least = TIGHT) => (points) => {
  const found = points.slice(1, -1).map(jacobian);
  const images = [decode(points[0]), ...found.map(([x]) => x), decode(points.at(-1))];
  const { A, g } = system(images, found.map(([, ...tangents]) => tangents));
  const p = solve(A, g), gain = product(g, p), E = energy(images);
  const promise = (points.length - 1) * gain;
  for (let share = 1; promise > least * E && share > 1e-4; share /= 2) {
    const next = points.map((z, i) => z.map((x, k) => x - share * (p[2 * i - 2 + k] ?? 0))); // the ends stay
    if (energy(next.map(decode)) < E - 1e-4 * share * promise) return { points, images, next, tight: false };
  }
  return { points, images, next: points, tight: true };
};

/** Step after step, until the curve is tight, or so many steps are done. */
function atRest(relax, points, most = MOST) {
  let curve = relax(points);
  for (let steps = 0; !curve.tight && steps < most; steps += 1) curve = relax(curve.next);
  return curve;
}

/** The same latent polyline, with `count` pieces for one. */
const finer = (points, count) => points.flatMap((z, i) => (i ? range(0, 1, count).slice(1).map((t) => along(points[i - 1], z, t)) : [z]));

/** `count` points of the latent polyline at equal shares of its decoded length. */
function evenly(points, images, count) {
  const clock = [0];
  for (const chord of chords(images)) clock.push(clock.at(-1) + chord);
  return range(0, clock.at(-1), count - 1).map((s) => {
    const i = Math.min(clock.findLastIndex((c) => c <= s), points.length - 2);
    return along(points[i], points[i + 1], (s - clock[i]) / (clock[i + 1] - clock[i] || 1));
  });
}
