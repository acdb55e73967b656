// @ts-check
// The view as text behind the page's address, and back.

/** @typedef {import("./page_model.js").Model} Model */
/** @typedef {import("./page_model.js").View} View */
/** @typedef {import("./page_model.js").Asked} Asked */

/**
 * @param {Model} model
 * @returns {string} without the leading "#"
 */
export function pageLink(model) {
  const view = model.view;
  const parts = new URLSearchParams();
  parts.set("run", model.data.runs[view.run].label);
  if (view.beside >= 0) parts.set("beside", model.data.runs[view.beside].label);
  parts.set("seed", String(view.seed));
  parts.set("command", commandText(view.start));
  if (view.changes.length > 0) {
    parts.set("then", view.changes.map((change) => `${change.step}:${commandText(change)}`).join(";"));
  }
  if (view.whatIf !== null) parts.set("if", commandText(view.whatIf));
  parts.set("step", String(view.t));
  if (view.explained >= 0) parts.set("why", String(view.explained));
  if (view.against >= 0) parts.set("not", String(view.against));
  if (view.tree > 0) parts.set("tree", String(view.tree + 1));
  return parts.toString();
}

/**
 * Read a link; what it does not say, or says wrongly, is as when the page opens.
 * @param {Model} model
 * @param {string} text
 * @returns {Partial<View> | null} null where it says nothing
 */
export function readPageLink(model, text) {
  const parts = new URLSearchParams(text.replace(/^#/, ""));
  if (!parts.has("run") && !parts.has("command") && !parts.has("step")) return null;
  const labels = model.data.runs.map((/** @type {{label: string}} */ run) => run.label);
  const run = Math.max(labels.indexOf(parts.get("run")), 0);
  const seed = Number(parts.get("seed"));
  const action = (/** @type {string} */ name) => {
    return parts.has(name) ? whole(parts.get(name), 0, model.actions.length - 1, -1) : -1;
  };
  return {
    run,
    beside: labels.indexOf(parts.get("beside")),
    seed: model.seeds.includes(seed) ? seed : model.seeds[0],
    start: readCommand(parts.get("command")) ?? model.finalCommand(run),
    changes: readChanges(parts.get("then") ?? ""),
    whatIf: readCommand(parts.get("if")),
    t: whole(parts.get("step"), 0, 1e6, 0),
    explained: action("why"),
    against: action("not"),
    tree: whole(parts.get("tree"), 1, Math.max(model.players[run].policy.nTrees, 1), 1) - 1,
  };
}

/** @param {Asked} asked */
function commandText(asked) {
  return `${asked.desiredReturn}:${asked.desiredHorizon}`;
}

/**
 * @param {string | null} text
 * @returns {Asked | null}
 */
function readCommand(text) {
  const numbers = (text ?? "").split(":").map((part) => (part.trim() === "" ? NaN : Number(part)));
  if (numbers.length !== 2 || !numbers.every(Number.isFinite)) return null;
  return { desiredReturn: numbers[0], desiredHorizon: Math.max(numbers[1], 1) };
}

/** @param {string} text */
function readChanges(text) {
  const changes = [];
  for (const part of text.split(";")) {
    const colon = part.indexOf(":");
    const asked = readCommand(part.slice(colon + 1));
    const step = Number(part.slice(0, colon));
    if (colon > 0 && asked !== null && Number.isInteger(step) && step > 0) changes.push({ step, ...asked });
  }
  return changes.sort((a, b) => a.step - b.step);
}

/**
 * @param {string | null} text
 * @param {number} low
 * @param {number} high
 * @param {number} otherwise
 */
function whole(text, low, high, otherwise) {
  const number = Number(text ?? NaN);
  return Number.isInteger(number) && number >= low && number <= high ? number : otherwise;
}
