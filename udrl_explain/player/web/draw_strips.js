// @ts-check
import { drawLine } from "./draw_canvas.js";
import { formatValue } from "./page_words.js";

/** @typedef {import("./draw_canvas.js").Sheet} Sheet */
/** @typedef {import("./draw_colours.js").Theme} Theme */
/** @typedef {import("./page_words.js").Feature} Feature */

/**
 * Any environment: each observation as a strip over the episode, with the present step marked.
 * @param {Sheet} sheet
 * @param {{rows: Float64Array, length: number}} track
 * @param {number} t
 * @param {Feature[]} features observations and the two commands
 * @param {Theme} theme
 */
export function drawStrips({ brush, width, height }, track, t, features, theme) {
  const n = features.length - 2;
  const each = height / n;
  const left = 8;
  const right = width - 8;
  for (let j = 0; j < n; j++) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < track.length; i++) {
      low = Math.min(low, track.rows[i * features.length + j]);
      high = Math.max(high, track.rows[i * features.length + j]);
    }
    const [top, bottom] = [j * each + 17, (j + 1) * each - 5];
    const up = (/** @type {number} */ value) => {
      return high > low ? bottom - ((value - low) / (high - low)) * (bottom - top) : (top + bottom) / 2;
    };
    const across = (/** @type {number} */ i) => left + ((right - left) * i) / Math.max(track.length - 1, 1);
    const points = [];
    for (let i = 0; i < track.length; i++) points.push(across(i), up(track.rows[i * features.length + j]));
    brush.strokeStyle = theme.soft;
    brush.lineWidth = 1.2;
    drawLine(brush, points);
    brush.stroke();
    const now = track.rows[t * features.length + j];
    brush.fillStyle = theme.ink;
    brush.beginPath();
    brush.arc(across(t), up(now), 4, 0, 2 * Math.PI);
    brush.fill();
    brush.font = `12px ${theme.sans}`;
    brush.textAlign = "left";
    brush.fillText(`${features[j].symbol} = ${formatValue(now, features[j])}`, left, j * each + 13);
    brush.fillStyle = theme.line;
    if (j > 0) brush.fillRect(0, j * each, width, 1);
  }
}
