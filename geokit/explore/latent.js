// The latent plane as figures draw it: a heat map, codes, curves, two movable ends, and strips of decoded images.

const SIZE = 300; // of the drawings
const SMALL = 0.6; // of the size of other words
const SHOWN = 9; // images in a strip
const STEP = 1 / 60; // of the plane, by an arrow key

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

const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/**
 * The square `box` of the latent plane with its codes. `heat(values, strength)` lays a grid of grey below them, for values
 * from 0 to 255, the upper left first; `curve(kind)` gives a function that draws lines; `onPaper` and `offPaper` lead there and back.
 */
function drawPlane([low, high], codes, label) {
  const scale = SIZE / (high[0] - low[0]), whole = { width: SIZE, height: SIZE };
  const onPaper = ([x, y]) => [scale * (x - low[0]), scale * (high[1] - y)];
  const offPaper = ([x, y]) => [x / scale + low[0], high[1] - y / scale];
  const drawing = svg("svg", { viewBox: `-8 -8 ${SIZE + 16} ${SIZE + 16}`, role: "group", "aria-label": label });
  const ground = svg("image", { ...whole, preserveAspectRatio: "none" });
  const names = [...new Set(codes.map(([, , name]) => name))].sort();
  const marks = codes.map(([x, y, name]) => {
    const [right, down] = onPaper([x, y]).map((at) => at / SMALL);
    return svg("text", { x: right.toFixed(1), y: (down + 4).toFixed(1), class: `class-${names.indexOf(name) % 10}` }, name);
  });
  const shown = svg("svg", { ...whole, viewBox: `0 0 ${SIZE} ${SIZE}` }, ground,
    svg("g", { transform: `scale(${SMALL})`, class: "codes", "text-anchor": "middle", "aria-hidden": "true" }, ...marks));
  drawing.append(shown, svg("rect", { ...whole, class: "frame" }));
  const heat = (values, strength = 0.75) => ground.setAttribute("href", picture([values], Math.sqrt(values.length), (value) => [128, 128, 128, strength * value]));
  const curve = (kind) => {
    const drawn = shown.appendChild(svg("path", { class: kind }));
    return (...lines) => drawn.setAttribute("d", lines.map((points) => path(points.map(onPaper))).join(""));
  };
  return { drawing, shown, heat, curve, onPaper, offPaper, low, high };
}

/** The movable ends A and B on a plane: `ends()` says where they are, `move(name, z)` is told where they go. Gives `show()`. */
function gripsOn({ drawing, onPaper, offPaper, low, high }, ends, move) {
  const step = STEP * (high[0] - low[0]);
  const to = (name, z) => move(name, z.map((x, k) => clamp(x, low[k], high[k])));
  const grips = ["b", "a"].map((name) => [name, handle(drawing, {
    name: `End ${name.toUpperCase()}`, mark: name.toUpperCase(), bounds: [low[0], high[0]],
    drag: (at) => to(name, offPaper(at)),
    step: ([dx, dy]) => to(name, [ends()[name][0] + step * dx, ends()[name][1] - step * dy]),
  })]);
  return () => grips.forEach(([name, show]) => {
    const z = ends()[name];
    show(...onPaper(z), z[0], `z₁ ${text(z[0])}, z₂ ${text(z[1])}`);
  });
}

/** A strip of images with its name, `y` below the top of a drawing; gives a function that shows other images there. */
function drawStrip(drawing, kind, name, y) {
  const row = svg("image", { y: y + 12, width: SIZE, height: 36, preserveAspectRatio: "xMidYMin" });
  drawing.append(svg("path", { class: kind, d: `M2,${y + 2}h26` }), svg("text", { x: 36, y: y + 6 }, name), row);
  return (images) => {
    const side = Math.sqrt(images[0].length), ink = (value) => [...[0, 1, 2].map(() => 255 * (1 - value)), 255];
    if (Number.isInteger(side)) row.setAttribute("href", picture(images, side, ink)); // else it is no square picture
  };
}

/** A named slider that says its value in `words`. */
function slider(name, words, [low, high, step], act) {
  const input = html("input", { type: "range", min: low, max: high, step }), said = html("output");
  input.addEventListener("input", () => act(input.valueAsNumber));
  const row = html("label", {}, html("span", {}, name), input, said);
  const show = (position, value) => {
    input.value = position;
    input.setAttribute("aria-valuetext", words(value));
    said.textContent = words(value);
  };
  return { row, show };
}
