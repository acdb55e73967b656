// @ts-check
import { drawArrow, drawLine } from "./draw_canvas.js";
import { actionColour } from "./draw_colours.js";

/** @typedef {import("./draw_canvas.js").Sheet} Sheet */
/** @typedef {import("./draw_colours.js").Theme} Theme */

const TRACK = 2.4; // m to either side: farther out the episode ends
const FALLEN = (12 * Math.PI) / 180;

/**
 * The cart on its track, the pole, the push of this step, and the bounds beyond which the episode ends.
 * @param {Sheet} sheet
 * @param {ArrayLike<number>} seen observation: x, its velocity, angle, its velocity
 * @param {number} action
 * @param {Theme} theme
 */
export function drawCartPole({ brush, width, height }, seen, action, theme) {
  const scale = width / (2 * TRACK + 0.9);
  const ground = height * 0.78;
  const [x, angle] = [width / 2 + seen[0] * scale, seen[2]];
  brush.lineWidth = 1.5;
  brush.strokeStyle = theme.soft;
  drawLine(brush, [0, ground, width, ground]);
  brush.stroke();
  brush.fillStyle = theme.soft;
  brush.font = `12px ${theme.sans}`;
  brush.textAlign = "center";
  for (let metre = -2; metre <= 2; metre++) {
    const at = width / 2 + metre * scale;
    brush.fillRect(at - 0.5, ground, 1, 6);
    brush.fillText(`${metre < 0 ? "−" : ""}${Math.abs(metre)}${metre === 0 ? " m" : ""}`, at, ground + 20);
  }
  brush.setLineDash([5, 5]);
  for (const side of [-1, 1]) {
    const bound = width / 2 + side * TRACK * scale;
    drawLine(brush, [bound, ground - height * 0.6, bound, ground]);
    brush.stroke();
  }
  const [cartWidth, cartHeight] = [Math.max(44, width * 0.1), Math.max(20, height * 0.075)];
  const hinge = ground - cartHeight - 7;
  const pole = Math.min(height * 0.56, 1.0 * scale * 1.9);
  brush.strokeStyle = theme.line;
  for (const bound of [-FALLEN, FALLEN]) {
    drawLine(brush, [x, hinge, x + pole * Math.sin(bound), hinge - pole * Math.cos(bound)]);
    brush.stroke();
  }
  brush.setLineDash([]);
  brush.fillStyle = theme.ink;
  brush.beginPath();
  brush.roundRect(x - cartWidth / 2, hinge, cartWidth, cartHeight, 4);
  brush.fill();
  for (const side of [-1, 1]) {
    brush.beginPath();
    brush.arc(x + side * cartWidth * 0.3, ground - 5, 5, 0, 2 * Math.PI);
    brush.fill();
  }
  brush.strokeStyle = "#a8703f";
  brush.lineCap = "round";
  brush.lineWidth = 9;
  drawLine(brush, [x, hinge, x + pole * Math.sin(angle), hinge - pole * Math.cos(angle)]);
  brush.stroke();
  brush.lineCap = "butt";
  brush.fillStyle = theme.page;
  brush.beginPath();
  brush.arc(x, hinge, 3.5, 0, 2 * Math.PI);
  brush.fill();
  const side = action === 0 ? -1 : 1;
  const from = x + side * (cartWidth / 2 + 6);
  drawArrow(brush, from, hinge + cartHeight / 2, from + side * 46, hinge + cartHeight / 2, actionColour(action), 6);
}
