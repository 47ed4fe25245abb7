// A question of the book, judged as geokit/check/rules.py judges it: by a salted hash of the rounded number, or of
// the letters. The answer itself is not in the page.

const NUMBER = /^[ \t]*([+−-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)[ \t]*$/i;
const isBlank = (given) => /^[ \t]*$/.test(given);

/** Half to even, as Python rounds. Exact: what is left of a double above its integer part is a double. */
function round(x) {
  const size = Math.abs(x), whole = Math.floor(size), rest = size - whole;
  const up = rest > 0.5 || (rest === 0.5 && whole % 2 === 1);
  return BigInt(Math.sign(x) * (whole + up));
}

/** The number as an integer of its last decimal, or one sentence. */
function lastDecimal(given, decimals) {
  const number = Number(NUMBER.exec(given)?.[1].replace("−", "-") ?? NaN);
  const scaled = number * Number(`1e${decimals}`);
  if (!Number.isFinite(number)) return "give a number";
  if (!decimals && !Number.isInteger(number)) return "give a whole number";
  return Number.isFinite(scaled) ? round(scaled) : "give a smaller number";
}

async function hash(text, { salt, rounds }) {
  const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", bytes.encode(text), "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes.encode(salt), iterations: rounds };
  const digest = new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** "correct", "not attempted" or "not yet: …", in the words of `check.answer`. */
async function judge(question, given) {
  const { exercise, sealed, decimals, options } = question;
  if (isBlank(given)) return "not attempted";
  let near = [given], wrong = "that is not it: at least one letter is wrong or missing";
  if (!options) {
    const last = lastDecimal(given, decimals);
    if (typeof last === "string") return `not yet: ${last}.`;
    near = decimals ? [last, last + 1n, last - 1n] : [last]; // an integer must be exact
    wrong = `this is not the number we found${decimals ? `, to ${decimals} decimal${decimals > 1 ? "s" : ""}` : ""}`;
  }
  if (!globalThis.crypto?.subtle) {
    return "A browser can judge answers only on pages from disk, from this machine or by https; "
      + `here, say check.answer("${exercise}", …) in a notebook.`;
  }
  for (const text of near) if ((await hash(String(text), question)) === sealed) return "correct";
  return `not yet: ${wrong}.`;
}

export const math = { lastDecimal, judge };

const TRAITS = ["exercise", "sealed", "salt", "rounds", "decimals", "options", "hints"];

/** The control for `given`: `{ element, show(given) }`. */
function entry({ decimals, options }, enter) {
  if (!options) {
    const kind = decimals ? `a number, to ${decimals} decimal${decimals > 1 ? "s" : ""}` : "a whole number";
    const input = html("input", { type: "text", autocomplete: "off", spellcheck: "false", size: 12 });
    input.addEventListener("input", () => enter(input.value));
    const show = (given) => { if (input.value !== given) input.value = given; }; // the caret stays where it is
    return { element: html("label", {}, `Your answer (${kind})`, input), show };
  }
  const boxes = [...options].map((letter) => html("input", { type: "checkbox", value: letter }));
  const ticked = () => boxes.filter((box) => box.checked).map((box) => box.value).join("");
  const labels = boxes.map((box) => html("label", {}, box, `(${box.value})`));
  boxes.forEach((box) => box.addEventListener("change", () => enter(ticked())));
  const show = (given) => boxes.forEach((box) => { box.checked = given.includes(box.value); });
  const name = html("span", { "aria-hidden": "true" }, "Your answer");
  return { element: html("div", { class: "explore-options", role: "group", "aria-label": "Your answer" }, name, ...labels), show };
}

function render({ model, el }) {
  const root = stage(el, model.get("label"));
  const question = Object.fromEntries(TRAITS.map((name) => [name, model.get(name)]));
  const { element, show } = entry(question, (given) => change(model, { given }));
  const check = html("button", { type: "button" }, "Check"), hint = html("button", { type: "button" });
  const verdict = html("p", { class: "explore-verdict", role: "status" });
  const hints = html("ol", { class: "explore-hints", "aria-live": "polite", "aria-label": "Hints" });

  const say = (words) => {
    verdict.textContent = words;
    verdict.dataset.said = /^correct|^not yet|/.exec(words)[0];
  };
  async function ask() {
    const given = model.get("given");
    say(""); // so that the same words are announced again
    const words = await judge(question, given);
    if (given === model.get("given")) say(words);
  }
  function help() {
    const said = hints.children.length, all = question.hints.length;
    if (said < all) hints.append(html("li", {}, `hint ${said + 1} of ${all}: ${question.hints[said]}`));
    count();
  }
  function count() {
    const left = question.hints.length - hints.children.length;
    hint.textContent = left ? `Hint (${left} left)` : "No more hints";
    hint.setAttribute("aria-disabled", String(!left)); // not `disabled`, which would take the focus away
  }
  // no <form>: an output in a sandboxed frame may not submit one
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    ask();
  });
  check.addEventListener("click", ask);
  hint.addEventListener("click", help);
  root.classList.add("explore-question");
  root.append(html("div", { class: "explore-entry" }, element, html("div", {}, check, hint)), verdict, hints);

  function draw() {
    show(model.get("given"));
    say("");
  }
  model.on("change:given", draw);
  count();
  draw();
  return () => model.off("change:given", draw);
}

export default { render };
