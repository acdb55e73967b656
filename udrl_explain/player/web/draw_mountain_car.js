// @ts-check
import { drawArrow, drawLine } from "./draw_canvas.js";
import { actionColour } from "./draw_colours.js";

/** @typedef {import("./draw_canvas.js").Sheet} Sheet */
/** @typedef {import("./draw_colours.js").Theme} Theme */

const LEFT = -1.2;
const RIGHT = 0.6;
const GOAL = 0.5;

/**
 * The valley, the car on it, and the flag that it has to reach.
 * @param {Sheet} sheet
 * @param {ArrayLike<number>} seen observation: position and velocity
 * @param {number} action
 * @param {Theme} theme
 */
export function drawMountainCar({ brush, width, height }, seen, action, theme) {
  const scale = (width * 0.96) / (RIGHT - LEFT);
  const across = (/** @type {number} */ at) => width * 0.02 + (at - LEFT) * scale;
  const up = (/** @type {number} */ at) => height * 0.86 - (Math.sin(3 * at) * 0.45 + 0.45) * Math.min(scale, height * 0.62);
  const valley = [];
  for (let i = 0; i <= 120; i++) {
    const at = LEFT + ((RIGHT - LEFT) * i) / 120;
    valley.push(across(at), up(at));
  }
  drawLine(brush, [0, height, across(LEFT), height, ...valley, across(RIGHT), height]);
  brush.fillStyle = theme.faint;
  brush.fill();
  drawLine(brush, valley);
  brush.strokeStyle = theme.soft;
  brush.lineWidth = 2;
  brush.stroke();
  brush.strokeStyle = theme.ink;
  drawLine(brush, [across(GOAL), up(GOAL), across(GOAL), up(GOAL) - 52]);
  brush.stroke();
  brush.fillStyle = "#c8a400";
  drawLine(brush, [across(GOAL), up(GOAL) - 52, across(GOAL) - 26, up(GOAL) - 44, across(GOAL), up(GOAL) - 36]);
  brush.fill();
  const slope = Math.atan2(up(seen[0] + 0.01) - up(seen[0] - 0.01), across(seen[0] + 0.01) - across(seen[0] - 0.01));
  brush.save();
  brush.translate(across(seen[0]), up(seen[0]));
  brush.rotate(slope);
  brush.fillStyle = theme.ink;
  brush.beginPath();
  brush.roundRect(-21, -27, 42, 18, 5);
  brush.fill();
  brush.fillStyle = theme.soft;
  for (const wheel of [-12, 12]) {
    brush.beginPath();
    brush.arc(wheel, -7, 7, 0, 2 * Math.PI);
    brush.fill();
  }
  if (action !== 1) {
    const side = action - 1;
    drawArrow(brush, side * 26, -18, side * 68, -18, actionColour(action), 6);
  }
  brush.restore();
}
