// @ts-check
import { drawLine, roundTicks } from "./draw_canvas.js";
import { actionColour, actionPattern } from "./draw_colours.js";
import { formatNumber } from "./page_words.js";

/** @typedef {import("./draw_canvas.js").Sheet} Sheet */
/** @typedef {import("./draw_colours.js").Theme} Theme */
/** @typedef {import("./plane.js").CommandPlane} CommandPlane */
/** @typedef {{across: (r: number) => number, up: (h: number) => number, left: number, right: number, top: number,
 *   bottom: number, returns: number[], horizons: number[]}} Axes */

/**
 * Where commands lie on a sheet: desired return to the right, desired horizon upwards.
 * @param {{width: number, height: number}} sheet
 * @param {number[]} returns lowest and highest
 * @param {number[]} horizons
 * @returns {Axes}
 */
export function planeAxes({ width, height }, returns, horizons) {
  const [left, right, top, bottom] = [52, width - 10, 8, height - 40];
  return {
    left, right, top, bottom, returns, horizons,
    across: (r) => left + ((r - returns[0]) / (returns[1] - returns[0])) * (right - left),
    up: (h) => bottom - ((h - horizons[0]) / (horizons[1] - horizons[0])) * (bottom - top),
  };
}

/**
 * The cells, each in its action's colour and hatch.
 * @param {Sheet} sheet
 * @param {Axes} axes
 * @param {CommandPlane} plane
 */
export function drawCells({ brush }, axes, plane) {
  const nH = plane.horizonEdges.length - 1;
  const xs = Array.from(plane.returnEdges, axes.across);
  const ys = Array.from(plane.horizonEdges, axes.up);
  const drawn = new Set(plane.actions);
  brush.save();
  for (const action of drawn) {
    brush.beginPath();
    for (let i = 0; i + 1 < xs.length; i++) {
      for (let j = 0; j < nH; j++) {
        if (plane.actions[i * nH + j] !== action) continue;
        let end = j + 1;
        while (end < nH && plane.actions[i * nH + end] === action) end++;
        brush.rect(xs[i], ys[end], xs[i + 1] - xs[i] + 0.35, ys[j] - ys[end]);
        j = end - 1;
      }
    }
    brush.globalAlpha = 0.72;
    brush.fillStyle = actionPattern(brush, action, "#ffffff66");
    brush.fill();
  }
  brush.restore();
}

/**
 * The commands that training met, each a dot.
 * @param {Sheet} sheet
 * @param {Axes} axes
 * @param {ArrayLike<number>} commands return, horizon, return, horizon ...
 */
export function drawCommands({ brush }, axes, commands) {
  brush.fillStyle = "#000a";
  for (let i = 0; i < commands.length; i += 2) {
    const [x, y] = [axes.across(commands[i]), axes.up(commands[i + 1])];
    if (x >= axes.left && x <= axes.right && y >= axes.top && y <= axes.bottom) brush.fillRect(x - 0.8, y - 0.8, 1.6, 1.6);
  }
}

/**
 * Frame, round numbers and names of both axes.
 * @param {Sheet} sheet
 * @param {Axes} axes
 * @param {Theme} theme
 */
export function drawAxes({ brush, width, height }, axes, theme) {
  brush.strokeStyle = theme.soft;
  brush.lineWidth = 1;
  brush.strokeRect(axes.left, axes.top, axes.right - axes.left, axes.bottom - axes.top);
  brush.fillStyle = theme.soft;
  brush.font = `12px ${theme.sans}`;
  brush.textAlign = "center";
  for (const tick of roundTicks(axes.returns[0], axes.returns[1], width / 90)) {
    brush.fillRect(axes.across(tick) - 0.5, axes.bottom, 1, 4);
    brush.fillText(formatNumber(tick, 4), axes.across(tick), axes.bottom + 16);
  }
  brush.fillText("desired return (reward)", (axes.left + axes.right) / 2, height - 6);
  brush.textAlign = "right";
  for (const tick of roundTicks(axes.horizons[0], axes.horizons[1], height / 60)) {
    brush.fillRect(axes.left - 4, axes.up(tick) - 0.5, 4, 1);
    brush.fillText(formatNumber(tick, 4), axes.left - 7, axes.up(tick) + 4);
  }
  brush.save();
  brush.translate(12, (axes.top + axes.bottom) / 2);
  brush.rotate(-Math.PI / 2);
  brush.textAlign = "center";
  brush.fillText("desired horizon (steps)", 0, 0);
  brush.restore();
}

/**
 * The command as it runs down, past and to come, and where it is now.
 * @param {Sheet} sheet
 * @param {Axes} axes
 * @param {number[]} walk return, horizon, return, horizon ...
 * @param {number} t
 */
export function drawWalk({ brush }, axes, walk, t) {
  const points = walk.map((value, i) => {
    return i % 2 === 0
      ? Math.min(Math.max(axes.across(value), axes.left), axes.right)
      : Math.min(Math.max(axes.up(value), axes.top), axes.bottom);
  });
  for (const [colour, thick] of /** @type {[string, number][]} */ ([["#fff", 4], ["#000", 1.8]])) {
    brush.strokeStyle = colour;
    brush.lineWidth = thick;
    drawLine(brush, points.slice(0, 2 * t + 2));
    brush.stroke();
    if (thick < 4) brush.setLineDash([4, 4]);
    drawLine(brush, points.slice(2 * t));
    brush.stroke();
    brush.setLineDash([]);
  }
  drawRing(brush, points[2 * t], points[2 * t + 1], 7);
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function drawRing(brush, x, y, size) {
  for (const [colour, thick] of /** @type {[string, number][]} */ ([["#fff", 6], ["#D55E00", 3]])) {
    brush.strokeStyle = colour;
    brush.lineWidth = thick;
    brush.beginPath();
    brush.arc(x, y, size, 0, 2 * Math.PI);
    brush.stroke();
  }
}

/**
 * The smallest change that flips the action: a line to a diamond of the other action's colour.
 * @param {Sheet} sheet
 * @param {Axes} axes
 * @param {number[]} from return and horizon now
 * @param {{desiredReturn: number, desiredHorizon: number, action: number}} change
 */
export function drawChange({ brush }, axes, from, change) {
  const [x, y] = [axes.across(change.desiredReturn), axes.up(change.desiredHorizon)];
  for (const [colour, thick] of /** @type {[string, number][]} */ ([["#fff", 5], ["#000", 2]])) {
    brush.strokeStyle = colour;
    brush.lineWidth = thick;
    drawLine(brush, [axes.across(from[0]), axes.up(from[1]), x, y]);
    brush.stroke();
  }
  drawLine(brush, [x - 7, y, x, y - 7, x + 7, y, x, y + 7]);
  brush.closePath();
  brush.fillStyle = actionColour(change.action);
  brush.fill();
  brush.stroke();
}

/**
 * Where the reader aims with the keyboard or points.
 * @param {Sheet} sheet
 * @param {Axes} axes
 * @param {number[]} aim return and horizon
 */
export function drawAim({ brush }, axes, aim) {
  const [x, y] = [axes.across(aim[0]), axes.up(aim[1])];
  for (const [colour, thick] of /** @type {[string, number][]} */ ([["#fff", 3], ["#000", 1.2]])) {
    brush.strokeStyle = colour;
    brush.lineWidth = thick;
    for (const line of [[x, axes.top, x, axes.bottom], [axes.left, y, axes.right, y]]) {
      drawLine(brush, line);
      brush.stroke();
    }
  }
}
