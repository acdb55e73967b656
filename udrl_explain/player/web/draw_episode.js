// @ts-check
import { drawLine } from "./draw_canvas.js";
import { actionColour } from "./draw_colours.js";
import { formatNumber } from "./page_words.js";

/** @typedef {import("./draw_canvas.js").Sheet} Sheet */
/** @typedef {import("./draw_colours.js").Theme} Theme */
/** @typedef {import("./page_side.js").Side} Side */

const LANE = 8;
const TALL = 30;
const GAP = 7;

/** How tall the strips are, in CSS pixels.
 * @param {number} nActions */
export function stripsHeight(nActions) {
  return nActions * LANE + 4 * (TALL + GAP) + GAP;
}

/**
 * Strips of an episode, step by step: action, desired return, desired horizon, influence of the command, flips.
 * @param {Sheet} sheet
 * @param {Side} side
 * @param {number} length steps of the scrubber above
 * @param {number} t
 * @param {number} margin left of the first step, for the names
 * @param {number[]} changed steps at which the command was changed
 * @param {Theme} theme
 */
export function drawEpisode(sheet, side, length, t, margin, changed, theme) {
  const { brush, width, height } = sheet;
  const thumb = 8;
  const span = width - margin - 2 * thumb;
  const across = (/** @type {number} */ i) => margin + thumb + (span * i) / Math.max(length - 1, 1);
  const step = Math.max(span / Math.max(length - 1, 1), 1);
  const { track } = side;
  const n = side.policy.nFeatures;
  const nActions = side.policy.nActions;
  let top = 2;
  nameStrip(brush, theme, margin, "action", top + (nActions * LANE) / 2);
  for (let a = 0; a < nActions; a++) {
    brush.fillStyle = theme.faint;
    brush.fillRect(margin + thumb - step / 2, top + a * LANE, span + step, LANE - 1.5);
    brush.fillStyle = actionColour(a);
    for (let i = 0; i < track.length; i++) {
      if (track.actions[i] === a) brush.fillRect(across(i) - step / 2, top + a * LANE, step + 0.3, LANE - 1.5);
    }
  }
  top += nActions * LANE + GAP;
  for (const [name, place] of /** @type {[string, number][]} */ ([["desired return", n - 2], ["desired horizon", n - 1]])) {
    const values = Array.from({ length: track.length }, (_, i) => track.rows[i * n + place]);
    stripLine(brush, theme, margin, name, top, across, values);
    top += TALL + GAP;
  }
  nameStrip(brush, theme, margin, "command's pull", top + TALL / 2);
  const known = [...side.influence].filter((value) => !Number.isNaN(value)).map(Math.abs);
  const most = Math.max(0.05, ...known);
  brush.fillStyle = theme.line;
  brush.fillRect(margin + thumb, top + TALL / 2, span, 1);
  for (let i = 0; i < track.length; i++) {
    const value = side.influence[i];
    if (Number.isNaN(value)) continue;
    brush.fillStyle = value < 0 ? theme.down : theme.up;
    const tall = (Math.abs(value) / most) * (TALL / 2);
    brush.fillRect(across(i) - step / 2, value < 0 ? top + TALL / 2 : top + TALL / 2 - tall, step + 0.3, tall);
  }
  top += TALL + GAP;
  nameStrip(brush, theme, margin, "flips", top + TALL / 2);
  brush.fillStyle = theme.line;
  brush.fillRect(margin + thumb, top + TALL, span, 1);
  for (let i = 0; i < track.length; i++) {
    const flip = side.flips[i];
    if (!flip) continue;
    const tall = TALL / (1 + flip.distance);
    brush.fillStyle = actionColour(flip.action);
    brush.fillRect(across(i) - step / 2, top + TALL - tall, Math.max(step - 0.6, 1), tall);
  }
  brush.strokeStyle = theme.command;
  brush.lineWidth = 1.5;
  brush.setLineDash([3, 3]);
  for (const at of changed.filter((one) => one < track.length)) {
    drawLine(brush, [across(at), 0, across(at), height]);
    brush.stroke();
  }
  brush.setLineDash([]);
  brush.fillStyle = theme.ink;
  brush.fillRect(across(t) - 1, 0, 2, height);
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {Theme} theme
 * @param {number} margin
 * @param {string} name
 * @param {number} middle
 */
function nameStrip(brush, theme, margin, name, middle) {
  brush.fillStyle = theme.soft;
  brush.font = `12px ${theme.sans}`;
  brush.textAlign = "left";
  brush.fillText(name, 0, middle + 4, margin - 4);
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {Theme} theme
 * @param {number} margin
 * @param {string} name
 * @param {number} top
 * @param {(i: number) => number} across
 * @param {number[]} values
 */
function stripLine(brush, theme, margin, name, top, across, values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  nameStrip(brush, theme, margin, name, top + 8);
  brush.fillText(`${formatNumber(low, 3)} … ${formatNumber(high, 3)}`, 0, top + 26, margin - 4);
  brush.strokeStyle = theme.command;
  brush.lineWidth = 1.6;
  drawLine(brush, values.flatMap((value, i) => {
    return [across(i), high > low ? top + TALL - ((value - low) / (high - low)) * TALL : top + TALL / 2];
  }));
  brush.stroke();
}
