// @ts-check
import { drawLine, drawTurn } from "./draw_canvas.js";
import { actionColour } from "./draw_colours.js";

/** @typedef {import("./draw_canvas.js").Sheet} Sheet */
/** @typedef {import("./draw_colours.js").Theme} Theme */

/**
 * Two links of one metre; the lower end has to reach the line, which is one link above the hinge.
 * @param {Sheet} sheet
 * @param {ArrayLike<number>} seen observation: cosine and sine of both angles, their velocities
 * @param {number} action
 * @param {Theme} theme
 */
export function drawAcrobot({ brush, width, height }, seen, action, theme) {
  const scale = height / 4.5;
  const [x, y] = [width / 2, height * 0.5];
  const first = Math.atan2(seen[1], seen[0]);
  const both = first + Math.atan2(seen[3], seen[2]);
  const [x1, y1] = [x + scale * Math.sin(first), y + scale * Math.cos(first)];
  const [x2, y2] = [x1 + scale * Math.sin(both), y1 + scale * Math.cos(both)];
  brush.strokeStyle = theme.soft;
  brush.lineWidth = 1.5;
  brush.setLineDash([6, 5]);
  drawLine(brush, [width * 0.08, y - scale, width * 0.92, y - scale]);
  brush.stroke();
  brush.setLineDash([]);
  brush.fillStyle = theme.soft;
  brush.font = `12px ${theme.sans}`;
  brush.textAlign = "left";
  brush.fillText("the tip must swing above this line", width * 0.08, y - scale - 8);
  brush.lineCap = "round";
  brush.strokeStyle = theme.ink;
  brush.lineWidth = 11;
  drawLine(brush, [x, y, x1, y1]);
  brush.stroke();
  brush.strokeStyle = "#a8703f";
  brush.lineWidth = 9;
  drawLine(brush, [x1, y1, x2, y2]);
  brush.stroke();
  brush.lineCap = "butt";
  for (const [jointX, jointY, size] of [[x, y, 6], [x1, y1, 6], [x2, y2, 4]]) {
    brush.fillStyle = theme.page;
    brush.strokeStyle = theme.soft;
    brush.lineWidth = 2;
    brush.beginPath();
    brush.arc(jointX, jointY, size, 0, 2 * Math.PI);
    brush.fill();
    brush.stroke();
  }
  if (action !== 1) drawTurn(brush, x1, y1, 22, action - 1, actionColour(action));
}
