// A decoder with two latent coordinates: fully connected layers, and how their image moves with each coordinate.

/** Value at x and, from both, the slope there. */
const ACTIVATIONS = {
  tanh: [Math.tanh, (x, y) => 1 - y * y],
  sigmoid: [(x) => 1 / (1 + Math.exp(-x)), (x, y) => y - y * y],
  relu: [(x) => Math.max(x, 0), (x) => (x > 0 ? 1 : 0)],
  elu: [(x) => (x > 0 ? x : Math.expm1(x)), (x) => (x > 0 ? 1 : Math.exp(x))],
  softplus: [(x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), (x) => 1 / (1 + Math.exp(-x))],
};

/** The float16 of these bits: one sign, five for the exponent, ten for the fraction. */
function half(bits) {
  const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}

/**
 * `layers`: widths [in, out] for y = Wx + b, names for activations. `weights`: a DataView of float32 or float16, little
 * endian, each W row by row and then its b. `decode(z)` gives x, `jacobian(z)` gives [x, ∂x/∂z₁, ∂x/∂z₂].
 */
function decoder(layers, weights) {
  const many = layers.reduce((sum, layer) => sum + (typeof layer === "string" ? 0 : (layer[0] + 1) * layer[1]), 0);
  const next = weights.byteLength === 4 * many
    ? (i) => weights.getFloat32(4 * i, true)
    : (i) => half(weights.getUint16(2 * i, true));
  let read = 0;
  const numbers = (count) => Float64Array.from({ length: count }, () => next(read++));
  const made = layers.map((layer) => {
    if (typeof layer === "string") return { activation: ACTIVATIONS[layer] };
    const [from, to] = layer;
    return { from, to, W: numbers(from * to), b: numbers(to) };
  });

  function linear({ from, to, W, b }, x) {
    const y = new Float64Array(to);
    for (let i = 0, k = 0; i < to; i += 1) {
      let sum = b[i];
      for (let j = 0; j < from; j += 1, k += 1) sum += W[k] * x[j];
      y[i] = sum;
    }
    return y;
  }

  /** The same rows for x and for its two tangents: each weight is read once. */
  function linearWithTangents({ from, to, W, b }, [x, u, v]) {
    const [y, s, t] = [0, 1, 2].map(() => new Float64Array(to));
    for (let i = 0, k = 0; i < to; i += 1) {
      let sum = b[i], along = 0, across = 0;
      for (let j = 0; j < from; j += 1, k += 1) {
        sum += W[k] * x[j];
        along += W[k] * u[j];
        across += W[k] * v[j];
      }
      y[i] = sum;
      s[i] = along;
      t[i] = across;
    }
    return [y, s, t];
  }

  function activated([value, slope], [x, u, v]) {
    const y = x.map(value);
    for (let i = 0; i < y.length; i += 1) {
      const first = slope(x[i], y[i]);
      u[i] *= first;
      v[i] *= first;
    }
    return [y, u, v];
  }

  const decode = (z) => made.reduce((x, layer) => (layer.W ? linear(layer, x) : x.map(layer.activation[0])), Float64Array.from(z));
  const jacobian = (z) => made.reduce(
    (state, layer) => (layer.W ? linearWithTangents(layer, state) : activated(layer.activation, state)),
    [Float64Array.from(z), Float64Array.of(1, 0), Float64Array.of(0, 1)],
  );
  return { decode, jacobian };
}
