// @ts-check
import { drawLine } from "./draw_canvas.js";
import { actionColour } from "./draw_colours.js";

/** @typedef {import("./draw_canvas.js").Sheet} Sheet */
/** @typedef {import("./draw_colours.js").Theme} Theme */

// Of Gymnasium's lander, in its pixels of 1/30 m: the window, the body, the legs, and how high its centre rests.
const WINDOW = { width: 600, height: 400, shown: 450, pad: 100, rest: 18 };
const BODY = [-14, 17, -17, 0, -17, -10, 17, -10, 17, 0, 14, 17];
const ENGINES = { left: 1, main: 2, right: 3 };

/**
 * The lander with its legs and flames over the pad. The hills beside the pad are not among the observations.
 * @param {Sheet} sheet
 * @param {ArrayLike<number>} seen observation: x, y, their velocities, angle, its velocity, contact of both legs
 * @param {number} action
 * @param {Theme} theme
 */
export function drawLunarLander({ brush, width, height }, seen, action, theme) {
  const scale = Math.min(width / WINDOW.width, height / WINDOW.shown);
  const across = (/** @type {number} */ x) => width / 2 + x * scale;
  const up = (/** @type {number} */ y) => height - y * scale;
  const pad = up(WINDOW.pad);
  brush.fillStyle = theme.faint;
  brush.fillRect(0, pad, width, height - pad);
  brush.strokeStyle = theme.soft;
  brush.lineWidth = 2;
  drawLine(brush, [across(-120), pad, across(120), pad]);
  brush.stroke();
  brush.setLineDash([3, 6]);
  drawLine(brush, [0, pad, across(-120), pad]);
  brush.stroke();
  drawLine(brush, [across(120), pad, width, pad]);
  brush.stroke();
  brush.setLineDash([]);
  for (const side of [-60, 60]) {
    drawLine(brush, [across(side), pad, across(side), pad - 34 * scale]);
    brush.stroke();
    brush.fillStyle = "#c8a400";
    drawLine(brush, [
      across(side), pad - 34 * scale, across(side), pad - 22 * scale, across(side + 18), pad - 28 * scale,
    ]);
    brush.fill();
  }
  brush.fillStyle = theme.soft;
  brush.font = `12px ${theme.sans}`;
  brush.textAlign = "center";
  brush.fillText("landing pad", width / 2, pad + 18);
  brush.save();
  const y = WINDOW.pad + WINDOW.rest + (seen[1] * WINDOW.height) / 2;
  brush.translate(across((seen[0] * WINDOW.width) / 2), up(Math.min(y, WINDOW.shown - 12)));
  brush.rotate(-seen[4]);
  brush.scale(scale, -scale);
  paintFlames(brush, action);
  for (const side of [-1, 1]) paintLeg(brush, side, seen[side < 0 ? 6 : 7] > 0.5, theme);
  drawLine(brush, BODY);
  brush.closePath();
  brush.fillStyle = theme.ink;
  brush.fill();
  brush.restore();
  if (y > WINDOW.shown - 12) {
    brush.fillStyle = theme.soft;
    brush.fillText("above the picture ↑", across((seen[0] * WINDOW.width) / 2), 44 * scale + 14);
  }
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number} side -1 left, +1 right
 * @param {boolean} touches
 * @param {Theme} theme
 */
function paintLeg(brush, side, touches, theme) {
  brush.strokeStyle = touches ? "#009E73" : theme.soft;
  brush.lineWidth = touches ? 5 : 3.5;
  drawLine(brush, [side * 13, -8, side * 22, -20, side * 27, -20]);
  brush.stroke();
}

/**
 * @param {CanvasRenderingContext2D} brush
 * @param {number} action
 */
function paintFlames(brush, action) {
  brush.fillStyle = actionColour(action);
  if (action === ENGINES.main) {
    drawLine(brush, [-9, -10, 0, -48, 9, -10]);
    brush.fill();
  } else if (action === ENGINES.left || action === ENGINES.right) {
    // The flame leaves on the side of the engine; the lander is pushed to the other.
    const side = action === ENGINES.left ? -1 : 1;
    drawLine(brush, [side * 15, 6, side * 42, 12, side * 15, 18]);
    brush.fill();
  }
}
