// The page of a group: own values, events, the values of all nodes, and the timeline.
import { button, element, form, labelled } from "./dom.js";
import { shortName } from "./names.js";
import { explain, texts } from "./texts.js";

/** How many lines the timeline keeps. */
const MAX_LINES = 200;

/**
 * Shows a session until it ends. `ownName` is the name that this node was given, if any. `back` is called when the
 * user wants to go back to the list of groups.
 */
export function showGroup(session, ownName, show, back) {
  const { group, isHost } = session;
  const timeline = new Timeline(session);
  const state = element("p", { role: "status", className: "state" });
  const hint = element("p", { className: "hint", hidden: true });
  const others = new Others(session);

  const showState = ({ state: now, recovered }) => {
    state.textContent = texts.states[now];
    state.dataset.state = now;
    hint.textContent = texts[`${now}Hint`] ?? "";
    hint.hidden = !hint.textContent;
    if (recovered === false) timeline.add(texts.missed, "problem");
  };
  session.addEventListener("state", ({ detail }) => showState(detail));
  session.addEventListener("value", ({ detail }) => others.show(detail));
  session.addEventListener("event", ({ detail: { name, payload, nodeId } }) => timeline.add(name, "event", payload, nodeId));
  session.addEventListener("error", ({ detail: { error } }) => timeline.add(texts.refused, "problem", explain(error)));
  session.addEventListener("nodes", ({ detail: { joined, left } }) => {
    for (const id of joined) timeline.add(texts.joined, "node", null, id);
    for (const id of left) timeline.add(texts.left, "node", null, id);
    for (const id of left) others.remove(id);
    // Who came before its name was known is called by it now.
    timeline.updateNames();
    others.updateNames();
  });
  session.addEventListener("ended", ({ detail }) => {
    show(
      element("h2", {}, group.name ?? group.id),
      element("p", { role: "alert", className: "hint" }, texts.ends[reasonOf(detail)]),
      button(texts.toGroups, back),
      timeline.section,
    );
  });

  show(
    element(
      "section",
      { className: "group" },
      element("h2", {}, group.name ?? group.id),
      element("p", { className: "self" }, texts.you(ownName ?? shortName(session.nodeId))),
      state,
      button(isHost ? texts.dissolve : texts.leave, () => void session.leave(), { className: "quiet" }),
    ),
    hint,
    element("div", { className: "columns" }, ownValues(session), others.section, events(session, timeline), timeline.section),
  );
  showState({ state: session.state });
}

/** Why a session ended. The server says whether the host or the teacher ended the group. */
const reasonOf = ({ reason, message }) => (reason === "dissolved" && /teacher/i.test(message) ? "byTeacher" : reason);

/** A node's name for the page: what it was called, or short for its id. */
function nameOf(session, id) {
  if (id === session.nodeId) return texts.me;
  const { name, isHost } = session.nodes.get(id) ?? {};
  const shown = name && name !== `Node ${id}` ? name : shortName(id);
  return isHost ? `${shown} (${texts.host})` : shown;
}

/** Sliders and switches for own values, which all other nodes receive. */
function ownValues(session) {
  const list = element("div", { className: "controls" });
  const add = (name, kind) => {
    const set = (value) => {
      session.set(name, value);
      shown.textContent = shownValue(value);
    };
    const shown = element("output", {}, "");
    const input =
      kind === "slider"
        ? element("input", { type: "range", min: 0, max: 100, value: 0, oninput: () => set(input.valueAsNumber) })
        : element("input", { type: "checkbox", role: "switch", oninput: () => set(input.checked) });
    list.append(element("div", {}, labelled(name, input), shown));
    set(kind === "slider" ? 0 : false);
  };
  const { speed, score, light } = texts.examples;
  for (const [name, kind] of [[speed, "slider"], [score, "slider"], [light, "toggle"]]) add(name, kind);
  const submit = (target) => {
    const { name, kind } = target.elements;
    add(name.value, kind.value);
    target.reset();
  };
  const kinds = ["slider", "toggle"].map((kind) => element("option", { value: kind }, texts[kind]));
  return element(
    "section",
    {},
    element("h3", {}, texts.ownValues),
    list,
    form(
      submit,
      labelled(texts.valueName, element("input", { name: "name", maxLength: 256, required: true })),
      labelled(texts.kind, element("select", { name: "kind" }, ...kinds)),
      button(texts.add),
    ),
  );
}

/** Buttons for some events, and a form for others. */
function events(session, timeline) {
  const fire = (name, payload = null) => {
    session.fire(name, payload);
    timeline.add(name, "event own", payload, session.nodeId);
  };
  const submit = ({ elements: { name, payload } }) => fire(name.value, payload.value || null);
  return element(
    "section",
    {},
    element("h3", {}, texts.fire),
    element("p", { className: "buttons" }, ...texts.examples.events.map((name) => button(name, () => fire(name)))),
    form(
      submit,
      labelled(texts.eventName, element("input", { name: "name", required: true })),
      labelled(texts.payload, element("input", { name: "payload" })),
      button(texts.fireButton),
    ),
  );
}

/** A table of the values of all other nodes, with one row for each value. */
class Others {
  #session;
  #rows = new Map();
  #body = element("tbody");
  #nobody = element("p", {}, texts.nobody);

  constructor(session) {
    this.#session = session;
    const columns = [texts.node, texts.valueName, texts.value].map((text) => element("th", { scope: "col" }, text));
    const table = element("table", {}, element("thead", {}, element("tr", {}, ...columns)), this.#body);
    this.section = element("section", {}, element("h3", {}, texts.others), this.#nobody, table);
    for (const [nodeId, values] of session.values) {
      for (const [key, { value }] of values) this.show({ nodeId, key, value });
    }
  }

  show({ nodeId, key, value }) {
    if (nodeId === this.#session.nodeId) return;
    const id = JSON.stringify([nodeId, key]);
    const row = this.#rows.get(id) ?? this.#addRow(id, nodeId, key);
    row.cells[0].textContent = nameOf(this.#session, nodeId);
    row.cells[2].replaceChildren(shownValue(value), ...bar(value));
    this.#nobody.hidden = true;
  }

  /** Removes the values of a node that left. */
  remove(nodeId) {
    for (const [id, row] of this.#rows) {
      if (JSON.parse(id)[0] !== nodeId) continue;
      row.remove();
      this.#rows.delete(id);
    }
    this.#nobody.hidden = this.#rows.size > 0;
  }

  updateNames() {
    for (const [id, row] of this.#rows) row.cells[0].textContent = nameOf(this.#session, JSON.parse(id)[0]);
  }

  #addRow(id, nodeId, key) {
    const cells = [nameOf(this.#session, nodeId), key, ""].map((text) => element("td", {}, text));
    const row = element("tr", {}, ...cells);
    // The rows of one node are kept together.
    const rows = [...this.#rows];
    const [, last] = rows.findLast(([other]) => JSON.parse(other)[0] === nodeId) ?? [];
    if (last) last.after(row);
    else this.#body.append(row);
    this.#rows.set(id, row);
    return row;
  }
}

/** A value for the page: a switch is on or off. */
const shownValue = (value) => texts.switch[value] ?? String(value);

/** A bar for a value that a slider could have set. */
function bar(value) {
  const number = Number(value);
  if (value.trim() === "" || !(number >= 0 && number <= 100)) return [];
  const meter = element("meter", { max: 100, value: number, "aria-hidden": "true" });
  return [" ", meter];
}

/** What happened last in the group, newest first. */
class Timeline {
  #session;
  #list = element("ol");

  constructor(session) {
    this.#session = session;
    const log = element("div", { role: "log", "aria-label": texts.timeline, tabIndex: 0 }, this.#list);
    this.section = element("section", {}, element("h3", {}, texts.timeline), log);
  }

  add(what, kind, payload = null, nodeId = undefined) {
    const now = new Date();
    const time = `${now.toTimeString().slice(0, 8)}.${String(now.getMilliseconds()).padStart(3, "0")}`;
    const who = nodeId === undefined ? "" : nameOf(this.#session, nodeId);
    const line = [element("time", {}, time), " ", element("b", {}, what), payload === null ? "" : ` ${payload}`];
    const name = element("span", { className: "who", "data-node": nodeId ?? "" }, who);
    this.#list.prepend(element("li", { className: kind }, ...line, " ", name));
    if (this.#list.childElementCount > MAX_LINES) this.#list.lastElementChild.remove();
  }

  updateNames() {
    for (const name of this.#list.querySelectorAll(".who")) {
      const { node } = name.dataset;
      if (node && this.#session.nodes.has(node)) name.textContent = nameOf(this.#session, node);
    }
  }
}
