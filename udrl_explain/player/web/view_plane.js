// @ts-check
import { drawSheet } from "./draw_canvas.js";
import { drawAim, drawAxes, drawCells, drawChange, drawCommands, drawWalk, planeAxes } from "./draw_plane.js";
import { clamped, make, setText, within } from "./page_dom.js";
import { commandWords, formatNumber } from "./page_words.js";
import { actionAt } from "./plane.js";
import { swatch } from "./view_agent.js";

/** @typedef {import("./page_model.js").Model} Model */
/** @typedef {import("./page_side.js").Side} Side */
/** @typedef {import("./draw_colours.js").Theme} Theme */

/**
 * The map of commands at the present step. A click, or Enter, gives the command.
 * @param {Model} model
 * @param {Side} side
 * @param {HTMLElement} panel
 * @param {() => Theme} theme
 * @returns {() => void}
 */
export function viewPlane(model, side, panel, theme) {
  setText(within(panel, "h2", HTMLHeadingElement), `All commands at this step: ${side.run.label}`);
  const canvas = within(panel, "canvas", HTMLCanvasElement);
  const words = within(panel, ".words", HTMLParagraphElement);
  const { return: returns, horizon: horizons } = side.run.command_range;
  /** @type {number[] | null} */
  let aim = null;
  const height = () => Math.round(clamped(canvas.clientWidth * 0.62, 220, 320));
  const axes = () => planeAxes({ width: canvas.clientWidth, height: height() }, returns, horizons);
  within(panel, ".legend", HTMLParagraphElement).replaceChildren(
    ...model.actions.map((/** @type {string} */ name, /** @type {number} */ a) => make("span", {}, swatch(a), name)),
    make("span", {}, "· commands that training met"), make("span", {}, "◆ smallest change that flips"),
  );

  const show = () => {
    const t = side.at(model.view.t);
    const sheet = drawSheet(canvas, height());
    const plane = side.map(t);
    const flip = side.flip(t);
    const row = side.row(t);
    const now = [row[row.length - 2], row[row.length - 1]];
    if (sheet !== null) {
      const on = axes();
      drawCells(sheet, on, plane);
      drawCommands(sheet, on, side.drawn);
      drawAxes(sheet, on, theme());
      drawWalk(sheet, on, walkOf(side), t);
      if (flip !== null) drawChange(sheet, on, now, flip);
      if (aim !== null) drawAim(sheet, on, aim);
    }
    const story = planeWords(model, side, t, plane, flip);
    setText(words, story);
    canvas.setAttribute("aria-label", `Map of commands. ${story} Arrow keys aim, Enter gives the command aimed at.`);
  };

  /** @param {number[]} to */
  const give = (to) => {
    const tidy = (/** @type {number} */ value, /** @type {number[]} */ ends) => {
      const unit = 10 ** Math.floor(Math.log10((ends[1] - ends[0]) / 200));
      return Number((Math.round(value / unit) * unit).toPrecision(10));
    };
    model.command(tidy(to[0], returns), Math.max(tidy(to[1], horizons), 1));
  };
  canvas.addEventListener("click", (event) => {
    const on = axes();
    const [x, y] = [clamped(event.offsetX, on.left, on.right), clamped(event.offsetY, on.top, on.bottom)];
    const r = returns[0] + ((x - on.left) / (on.right - on.left)) * (returns[1] - returns[0]);
    const h = horizons[0] + ((on.bottom - y) / (on.bottom - on.top)) * (horizons[1] - horizons[0]);
    aim = null;
    give([r, h]);
  });
  canvas.addEventListener("keydown", (event) => {
    const moves = /** @type {Record<string, number[]>} */ ({
      ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
    });
    const move = moves[event.key];
    const { desiredReturn, desiredHorizon } = model.present;
    if (move !== undefined) {
      const [r, h] = aim ?? [desiredReturn, desiredHorizon];
      const size = event.shiftKey ? 0.1 : 0.02;
      aim = [
        clamped(r + move[0] * size * (returns[1] - returns[0]), returns[0], returns[1]),
        clamped(h + move[1] * size * (horizons[1] - horizons[0]), horizons[0], horizons[1]),
      ];
    } else if (event.key === "Enter" && aim !== null) {
      const to = aim;
      aim = null;
      give(to);
    } else if (event.key === "Escape") {
      aim = null;
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    show();
    if (aim !== null) {
      const action = model.actions[actionAt(side.map(model.view.t), aim[0], aim[1])];
      setText(words, `Aiming at ${commandWords(aim[0], aim[1])}: ${action}. Enter gives this command, Escape lets go.`);
    }
  });
  canvas.addEventListener("blur", () => {
    if (aim === null) return;
    aim = null;
    show();
  });
  return show;
}

/** @param {Side} side */
function walkOf(side) {
  const walk = [];
  const n = side.policy.nFeatures;
  for (let i = 0; i < side.track.length; i++) walk.push(side.track.rows[(i + 1) * n - 2], side.track.rows[(i + 1) * n - 1]);
  return walk;
}

/**
 * @param {Model} model
 * @param {Side} side
 * @param {number} t
 * @param {import("./plane.js").CommandPlane} plane
 * @param {import("./page_side.js").Flip | null} flip
 */
function planeWords(model, side, t, plane, flip) {
  const row = side.row(t);
  const [desiredReturn, desiredHorizon] = [row[row.length - 2], row[row.length - 1]];
  const method = plane.exact ? "The map is exact: a forest changes only at its tests." : "A net has no exact cells: the map asks it at the middle of each cell of a grid.";
  const seen = side.support.seen(desiredReturn, desiredHorizon);
  const near = seen ? "" : " Training met hardly any command like this one: what the agent does is extrapolation.";
  const change = flip === null
    ? "No command like those of training would have it act otherwise."
    : `Smallest change that flips it, among commands like those of training: ${commandWords(flip.desiredReturn, flip.desiredHorizon)} gives ${model.actions[flip.action]} (${formatNumber(flip.distance, 2)} spreads away; a spread is the standard deviation of training's commands).`;
  const alone = side.run.ignores_horizon ? " In training the horizon said nothing: only the desired return counts, from left to right." : "";
  return `Now ${commandWords(desiredReturn, desiredHorizon)}: ${model.actions[side.action(t)]}.${near} ${change} ${method}${alone}`;
}
