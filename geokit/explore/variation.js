// The coefficients of variation of a table of distances: a number for each pair, over the models.

const BINS = 14; // at most
const LEAST = 1e-7; // a spread below this is the rounding of float32

/** The table that a figure holds: `value(d, pair, model)` of distance d, `resolved` and `defect` of (pair, model). */
function read(state) {
  const { distances, pairs, seeds } = state, M = seeds.length, P = pairs.length;
  const float = (view, i) => view.getFloat32(4 * i, true);
  return {
    distances, pairs, seeds,
    value: (d, p, m) => float(state.values, (d * P + p) * M + m),
    resolved: (p, m) => state.resolved.getUint8(p * M + m) === 1,
    defect: (p, m) => (state.defects.byteLength ? float(state.defects, p * M + m) : NaN),
    column: (name) => distances.findIndex(([column]) => column === name),
  };
}

const average = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;
/** Standard deviation of a sample (division by n − 1) over its mean. */
function variation(values) {
  const mean = average(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1)) / mean;
}
/** The middle value, or the mean of the two in the middle; NaN of nothing. */
function median(values) {
  const sorted = [...values].sort((x, y) => x - y), n = sorted.length;
  return n ? (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2 : NaN;
}
/** The least of 1, 2, 2.5, 5 times a power of ten that is not below x > 0. */
function nice(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return power * [1, 2, 2.5, 5, 10].find((step) => step * power >= x * (1 - 1e-12));
}

/**
 * What the figure says: `unresolved`, how many geodesics of each pair, `kept`, the pairs that count, `cvs`, the CV of every
 * pair in both distances, and of those that count the `medians`, how many are `below` the diagonal, and `counts` in bins of
 * one `width`, up to `high`.
 */
function summary(table, { compare, models, leave_out }) {
  const all = table.pairs.map((_, p) => p), first = table.seeds.slice(0, models).map((_, m) => m);
  const unresolved = all.map((p) => first.filter((m) => !table.resolved(p, m)).length);
  const kept = all.filter((p) => !(leave_out && unresolved[p]));
  const columns = compare.map(table.column);
  const cvs = columns.map((d) => all.map((p) => variation(first.map((m) => table.value(d, p, m)))));
  const most = Math.max(LEAST, ...cvs.flatMap((cv) => kept.map((p) => cv[p])));
  const width = nice(most / BINS), bins = Math.floor(most / width) + 1;
  const bin = (cv) => Math.min(Math.floor(cv / width), bins - 1);
  const counts = cvs.map((cv) => Array.from({ length: bins }, (_, k) => kept.filter((p) => bin(cv[p]) === k).length));
  return {
    columns, first, unresolved, kept, cvs, width, bin, counts, high: width * bins,
    medians: cvs.map((cv) => median(kept.map((p) => cv[p]))),
    below: kept.filter((p) => cvs[1][p] < cvs[0][p]).length,
  };
}

/** The pair that counts and comes next to `at` in the order of `values`, upwards or downwards; `at` itself if none does. */
function neighbour(values, kept, at, sign) {
  const order = (p, q) => sign * (values[p] - values[q] || p - q);
  const ahead = kept.filter((p) => order(p, at) > 0);
  return ahead.length ? ahead.reduce((best, p) => (order(p, best) < 0 ? p : best)) : at;
}
const nearest = (items, gap) => items.reduce((best, i) => (gap(i) < gap(best) ? i : best), items[0]);

export const math = { read, variation, median, nice, summary, neighbour };
