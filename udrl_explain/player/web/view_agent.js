// @ts-check
import { agentHeight, drawAgent } from "./draw_agent.js";
import { drawSheet } from "./draw_canvas.js";
import { actionColour, actionPattern } from "./draw_colours.js";
import { make, setText, within } from "./page_dom.js";
import { endingWords, formatNumber, formatProbability, formatValue, listWords, taskWords } from "./page_words.js";

/** @typedef {import("./page_model.js").Model} Model */
/** @typedef {import("./page_side.js").Side} Side */
/** @typedef {import("./draw_colours.js").Theme} Theme */

/**
 * The agent and its action probabilities.
 * @param {Model} model
 * @param {Side} side
 * @param {HTMLElement} panel
 * @param {() => Theme} theme
 * @returns {() => void} shows the present step
 */
export function viewAgent(model, side, panel, theme) {
  const { kind } = model.data.environment;
  const canvas = within(panel, "canvas", HTMLCanvasElement);
  const words = within(panel, ".words", HTMLParagraphElement);
  setText(within(panel, "h2", HTMLHeadingElement), `What it does: ${side.run.label}`);
  const rows = model.actions.map((/** @type {string} */ name, /** @type {number} */ action) => {
    const bar = make("i", {});
    bar.style.background = actionColour(action);
    bar.style.left = "0";
    const ghost = make("i", { class: "ghost" });
    ghost.style.left = "0";
    const cell = make("td", { class: "number" });
    const line = make("tr", {}, make("th", { scope: "row" }, swatch(action), name), make("td", {}, make("div", { class: "bar" }, bar, ghost)), cell);
    return { line, bar, ghost, cell };
  });
  within(panel, "tbody", HTMLTableSectionElement).replaceChildren(...rows.map((/** @type {any} */ row) => row.line));
  setText(within(panel, ".task", HTMLParagraphElement), taskWords(kind, model.data.environment.most_steps));
  return () => {
    const { t, whatIf } = model.view;
    const sheet = drawSheet(canvas, agentHeight(kind, canvas.clientWidth, model.features.length - 2));
    if (sheet !== null) drawAgent(sheet, kind, side.track, side.at(t), model.features, theme());
    const chances = side.probabilities(t);
    const other = whatIf === null ? null : side.underCommand(t, whatIf).probabilities;
    for (const [action, row] of rows.entries()) {
      row.bar.style.width = `${100 * chances[action]}%`;
      row.ghost.style.width = other === null ? "0" : `${100 * other[action]}%`;
      row.ghost.hidden = other === null;
      row.line.classList.toggle("taken", action === side.action(t));
      const text = formatProbability(chances[action]);
      setText(row.cell, other === null ? text : `${text} → ${formatProbability(other[action])}`);
    }
    const over = t >= side.track.length - 1;
    const end = `Last step: ${endingWords(kind, side.track.ending)} after ${side.track.length} steps, return ${formatNumber(side.track.totalReturn, 4)}.`;
    setText(words, `Action: ${model.actions[side.action(t)]}. Collected so far: ${formatNumber(collected(side, t), 4)}. ${over ? end : ""}`);
    canvas.setAttribute("aria-label", agentWords(model, side));
  };
}

/**
 * Reward up to a step, without what the step itself brings.
 * @param {Side} side
 * @param {number} t
 */
function collected(side, t) {
  let sum = 0;
  for (let i = 0; i < side.at(t); i++) sum += side.track.rewards[i];
  return sum;
}

/**
 * A sample of an action's colour.
 * @param {number} action
 */
export function swatch(action) {
  const made = make("canvas", { class: "swatch", "aria-hidden": "true", width: "24", height: "16" });
  const brush = made.getContext("2d");
  if (brush !== null) {
    brush.fillStyle = actionPattern(brush, action, "#ffffff99");
    brush.fillRect(0, 0, 24, 16);
  }
  return made;
}

/**
 * The picture in words, for readers who do not see it.
 * @param {Model} model
 * @param {Side} side
 */
function agentWords(model, side) {
  const row = side.row(model.view.t);
  const inputs = model.features.slice(0, -2).map((/** @type {any} */ feature, /** @type {number} */ j) => {
    return `${feature.name.replaceAll("_", " ")} ${formatValue(row[j], feature)}`;
  });
  return `The agent at step ${side.at(model.view.t)}: ${listWords(inputs)}; action ${model.actions[side.action(model.view.t)]}`;
}
