// @ts-check
import { agentHeight, drawAgent } from "./draw_agent.js";
import { byId } from "./page_dom.js";
import { commandWords, formatProbability, formatSigned } from "./page_words.js";

/** @typedef {import("./page_model.js").Model} Model */
/** @typedef {import("./page_side.js").Side} Side */
/** @typedef {import("./draw_colours.js").Theme} Theme */

/**
 * The view as a picture, the episode as a table.
 * @param {Model} model
 * @param {() => Theme} theme
 * @param {() => void} finish brings all panels up to date
 * @param {(words: string) => void} say
 */
export function viewFiles(model, theme, finish, say) {
  byId("save-csv", HTMLButtonElement).addEventListener("click", () => {
    for (const side of model.sides) {
      save(new Blob([episodeTable(model, side)], { type: "text/csv" }), `${fileName(model, side)}.csv`);
    }
    say("The episode is saved as CSV.");
  });
  byId("save-png", HTMLButtonElement).addEventListener("click", () => {
    finish();
    paintView(model, theme()).toBlob((blob) => {
      if (blob !== null) save(blob, `${fileName(model, model.sides[0])}_step${model.view.t}.png`);
      say("The picture is saved.");
    });
  });
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * @param {Model} model
 * @param {Side} side
 */
function fileName(model, side) {
  return `${model.data.environment.name}_${side.run.label}_start${model.view.seed}`.replaceAll(/[^\w.-]+/g, "-");
}

/**
 * One line per step: what the policy saw, its probabilities, what it did and what that brought.
 * @param {Model} model
 * @param {Side} side
 */
export function episodeTable(model, side) {
  const cell = (/** @type {string} */ text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const names = [
    "step", ...model.features.map((/** @type {any} */ feature) => feature.name), "action", "action_name", "reward",
    ...model.actions.map((/** @type {string} */ name) => `probability of ${name}`),
  ];
  const lines = [names.map(cell).join(",")];
  for (let t = 0; t < side.track.length; t++) {
    const action = side.action(t);
    lines.push([
      t, ...side.row(t), action, cell(model.actions[action]), side.track.rewards[t], ...side.probabilities(t),
    ].join(","));
  }
  return `${lines.join("\n")}\n`;
}

const WIDE = 1240;
const SCALE = 2;

/**
 * All that is in view on one canvas, as wide as a page.
 * @param {Model} model
 * @param {Theme} theme
 */
export function paintView(model, theme) {
  const n = model.sides.length;
  const column = (WIDE - 60 - (n - 1) * 20) / n;
  const bars = 22 * (model.features.length + 2) + 40;
  const strips = [...document.querySelectorAll("#strips canvas")].filter((one) => one instanceof HTMLCanvasElement);
  const planes = [...document.querySelectorAll(".plane canvas")].filter((one) => one instanceof HTMLCanvasElement);
  const half = n === 1 ? column / 2 - 10 : column;
  const agent = agentHeight(model.data.environment.kind, half, model.features.length - 2);
  const fit = (/** @type {HTMLCanvasElement} */ one, /** @type {number} */ width) => (one.height / one.width) * width;
  const plane = Math.max(...planes.map((one) => fit(one, half)));
  const rows = n === 1 ? Math.max(agent, plane) + 40 : agent + plane + 80;
  const below = strips.reduce((sum, one) => sum + fit(one, WIDE - 60) + 12, 0);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDE * SCALE, (90 + rows + below + bars + 30) * SCALE];
  const brush = canvas.getContext("2d");
  if (brush === null) return canvas;
  brush.scale(SCALE, SCALE);
  brush.fillStyle = theme.page;
  brush.fillRect(0, 0, WIDE, canvas.height);
  brush.fillStyle = theme.ink;
  brush.font = `600 20px ${theme.sans}`;
  const { desiredReturn, desiredHorizon } = model.present;
  brush.fillText(`${model.data.environment.name}, step ${model.view.t}, start ${model.view.seed}`, 30, 38);
  brush.font = `14px ${theme.sans}`;
  brush.fillText(`Asked now for ${commandWords(desiredReturn, desiredHorizon)}`, 30, 62);
  for (const [i, side] of model.sides.entries()) {
    const left = 30 + i * (column + 20);
    brush.save();
    brush.fillStyle = theme.ink;
    brush.font = `600 14px ${theme.sans}`;
    const action = side.action(model.view.t);
    const chance = formatProbability(side.probabilities(model.view.t)[action]);
    brush.fillText(`${side.run.label}: ${model.actions[action]} (probability ${chance})`, left, 90);
    brush.translate(left, 100);
    brush.beginPath();
    brush.rect(0, 0, half, agent);
    brush.clip();
    drawAgent({ brush, width: half, height: agent }, model.data.environment.kind, side.track, side.at(model.view.t), model.features, theme);
    brush.restore();
    const at = n === 1 ? [left + half + 20, 100] : [left, 120 + agent];
    if (planes[i] !== undefined) brush.drawImage(planes[i], at[0], at[1], half, fit(planes[i], half));
    paintBars(brush, model, side, theme, left, 90 + rows + below + 20, column);
  }
  let top = 90 + rows;
  for (const one of strips) {
    brush.drawImage(one, 30, top, WIDE - 60, fit(one, WIDE - 60));
    top += fit(one, WIDE - 60) + 12;
  }
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {Model} model
 * @param {Side} side
 * @param {Theme} theme
 * @param {number} left
 * @param {number} top
 * @param {number} width
 */
function paintBars(brush, model, side, theme, left, top, width) {
  const { values, state, command } = side.explain(model.view.t);
  const action = model.explainedOf(side);
  const other = model.view.against === action ? -1 : model.view.against;
  const of = (/** @type {ArrayLike<number>} */ numbers, /** @type {number} */ from) => {
    return numbers[from + action] - (other < 0 ? 0 : numbers[from + other]);
  };
  const lines = model.features.map((/** @type {any} */ feature, /** @type {number} */ j) => {
    return [feature.name.replaceAll("_", " "), of(values, j * model.actions.length)];
  });
  lines.push(["whole state", of(state, 0)], ["whole command", of(command, 0)]);
  const most = Math.max(0.05, ...lines.map((/** @type {[string, number]} */ line) => Math.abs(line[1])));
  brush.fillStyle = theme.ink;
  brush.font = `13px ${theme.sans}`;
  brush.textAlign = "left";
  const against = other < 0 ? "" : ` instead of ${model.actions[other]}`;
  brush.fillText(`Shapley values of ${model.actions[action]}${against}`, left, top);
  const middle = left + width * 0.6;
  for (const [i, [name, value]] of lines.entries()) {
    const y = top + 10 + i * 22;
    brush.fillStyle = theme.ink;
    brush.fillText(name, left, y + 14, width * 0.3);
    brush.fillText(formatSigned(value), left + width - 52, y + 14);
    brush.fillStyle = value < 0 ? theme.down : theme.up;
    const share = (Math.abs(value) / most) * width * 0.28;
    brush.fillRect(value < 0 ? middle - share : middle, y + 3, share, 15);
  }
}
