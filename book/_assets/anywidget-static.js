// Draws the anywidget figures of a static page from the state saved in it: no kernel, no other library.
//
// A figure's module gets the same `render({ model, el })` as in Jupyter. All of its behaviour lives in its
// own JavaScript, since nothing answers `send`. Two traits are for readers who cannot see the figure:
// `label` (a sentence) becomes the accessible name of its element, `role` its role ("group" if absent).
(function () {
  "use strict";

  const REFERENCE = "IPY_MODEL_";
  const MIME = "application/vnd.jupyter.widget-";
  const saved = new Map(); // model id -> { state, model_module, ... } as Jupyter saved it
  const models = new Map(); // model id -> the model shared by all views of it
  const cleanups = [];

  function savedBytes({ encoding, data }) {
    const bytes = encoding === "hex"
      ? Uint8Array.from(data.match(/../g) || [], (pair) => parseInt(pair, 16))
      : Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    return new DataView(bytes.buffer);
  }

  function readState() {
    for (const script of document.querySelectorAll(`script[type="${MIME}state+json"]`)) {
      for (const [id, entry] of Object.entries(JSON.parse(script.textContent).state)) {
        for (const buffer of entry.buffers || []) {
          const last = buffer.path[buffer.path.length - 1];
          let holder = entry.state;
          for (const key of buffer.path.slice(0, -1)) holder = holder[key];
          holder[last] = savedBytes(buffer);
        }
        saved.set(id, entry);
      }
    }
  }

  class Model {
    constructor(state) {
      this.state = state;
      this.listeners = new Map();
      // a trait that holds another widget is saved as "IPY_MODEL_<id>"; modules ask for it by id
      this.widget_manager = { get_model: async (id) => modelOf(id.replace(REFERENCE, "")) };
    }
    get(key) { return this.state[key]; }
    set(key, value) {
      if (Object.is(this.state[key], value)) return;
      this.state[key] = value;
      for (const name of [`change:${key}`, "change"])
        for (const listener of [...(this.listeners.get(name) || [])]) listener(this, value);
    }
    on(names, listener) {
      for (const name of names.split(" "))
        this.listeners.set(name, [...(this.listeners.get(name) || []), listener]);
    }
    off(names, listener) {
      for (const name of names ? names.split(" ") : [...this.listeners.keys()])
        this.listeners.set(name, (this.listeners.get(name) || []).filter((l) => listener && l !== listener));
    }
    save_changes() {}
    send() {}
  }

  function modelOf(id) {
    if (!models.has(id)) {
      const entry = saved.get(id);
      if (!entry) throw new Error(`its state (model ${id}) was not saved with the page`);
      models.set(id, new Model(entry.state));
    }
    return models.get(id);
  }

  async function moduleOf(model) {
    if (!model.module) {
      const url = URL.createObjectURL(new Blob([model.get("_esm")], { type: "text/javascript" }));
      model.module = import(url).then(async ({ default: widget }) => {
        URL.revokeObjectURL(url);
        const made = typeof widget === "function" ? await widget() : widget;
        keep(await made.initialize?.({ model, experimental }));
        return made;
      });
    }
    return model.module;
  }

  const experimental = {
    invoke: async () => { throw new Error("it asked for a running kernel, and this page has none"); },
  };

  function keep(cleanup) {
    if (typeof cleanup === "function") cleanups.push(cleanup);
  }

  function addStyle(css) {
    if (!css || [...document.querySelectorAll("style.widget-style")].some((s) => s.textContent === css)) return;
    document.head.append(Object.assign(document.createElement("style"), { className: "widget-style", textContent: css }));
  }

  async function draw(script) {
    const el = document.createElement("div");
    el.className = "widget-static";
    script.after(el);
    try {
      const id = JSON.parse(script.textContent).model_id;
      const model = modelOf(id);
      if (saved.get(id).model_module !== "anywidget")
        throw new Error(`it is a ${saved.get(id).model_name}, which needs a running kernel; open this page as a notebook`);
      if (model.get("label")) {
        el.setAttribute("role", model.get("role") || "group");
        el.setAttribute("aria-label", model.get("label"));
      }
      addStyle(model.get("_css"));
      keep(await (await moduleOf(model)).render({ model, el, experimental }));
    } catch (error) {
      // seen by the reader, and by the tests: one broken figure does not take the others with it
      el.className = "widget-static widget-missing";
      el.setAttribute("role", "alert");
      el.textContent = `What belongs here could not be drawn: ${error.message}.`;
      console.error(error);
    }
  }

  async function main() {
    readState();
    const views = document.querySelectorAll(`script[type="${MIME}view+json"]`);
    await Promise.all([...views].map(draw));
    document.documentElement.dataset.widgets = "drawn";
  }

  addEventListener("pagehide", (event) => {
    if (event.persisted) return; // the page may come back as it was
    for (const cleanup of cleanups.splice(0)) cleanup();
  });
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", main); else main();
})();
