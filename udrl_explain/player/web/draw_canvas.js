// @ts-check

/** @typedef {{brush: CanvasRenderingContext2D, width: number, height: number}} Sheet */

/**
 * A blank canvas as large as the page shows it, sharp on any screen; null while it is not shown.
 * @param {HTMLCanvasElement} canvas
 * @param {number} height in CSS pixels
 * @returns {Sheet | null}
 */
export function drawSheet(canvas, height) {
  const width = canvas.clientWidth;
  const brush = canvas.getContext("2d");
  if (width < 20 || brush === null) return null;
  const scale = Math.min(Math.max(devicePixelRatio, 1), 3);
  const wanted = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) {
    [canvas.width, canvas.height] = wanted;
    canvas.style.height = `${height}px`;
  }
  brush.setTransform(scale, 0, 0, scale, 0, 0);
  brush.clearRect(0, 0, width, height);
  return { brush, width, height };
}

/**
 * A closed or open line through points, in the order x, y, x, y ...
 * @param {CanvasRenderingContext2D} brush
 * @param {number[]} points
 */
export function drawLine(brush, points) {
  brush.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    if (i === 0) brush.moveTo(points[0], points[1]);
    else brush.lineTo(points[i], points[i + 1]);
  }
}

/**
 * An arrow between two points.
 * @param {CanvasRenderingContext2D} brush
 * @param {number} x0
 * @param {number} y0
 * @param {number} x1
 * @param {number} y1
 * @param {string} colour
 * @param {number} thick
 */
export function drawArrow(brush, x0, y0, x1, y1, colour, thick) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const head = 3 * thick;
  brush.strokeStyle = colour;
  brush.fillStyle = colour;
  brush.lineWidth = thick;
  drawLine(brush, [x0, y0, x1 - head * 0.8 * Math.cos(angle), y1 - head * 0.8 * Math.sin(angle)]);
  brush.stroke();
  drawLine(brush, [
    x1, y1,
    x1 - head * Math.cos(angle - 0.5), y1 - head * Math.sin(angle - 0.5),
    x1 - head * Math.cos(angle + 0.5), y1 - head * Math.sin(angle + 0.5),
  ]);
  brush.fill();
}

/**
 * A bent arrow about a centre, for torques.
 * @param {CanvasRenderingContext2D} brush
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {number} turn +1 against the clock, -1 with it
 * @param {string} colour
 */
export function drawTurn(brush, x, y, radius, turn, colour) {
  const from = turn > 0 ? 0.6 : Math.PI - 0.6;
  const to = turn > 0 ? -Math.PI - 0.2 : 2 * Math.PI + 0.2;
  brush.strokeStyle = colour;
  brush.lineWidth = 4;
  brush.beginPath();
  brush.arc(x, y, radius, from, to, turn > 0);
  brush.stroke();
  const [endX, endY] = [x + radius * Math.cos(to), y + radius * Math.sin(to)];
  const along = to - (turn > 0 ? Math.PI / 2 : -Math.PI / 2);
  brush.fillStyle = colour;
  drawLine(brush, [
    endX + 10 * Math.cos(along), endY + 10 * Math.sin(along),
    endX + 7 * Math.cos(along + 2.2), endY + 7 * Math.sin(along + 2.2),
    endX + 7 * Math.cos(along - 2.2), endY + 7 * Math.sin(along - 2.2),
  ]);
  brush.fill();
}

/**
 * Round numbers that divide a range into a few parts.
 * @param {number} low
 * @param {number} high
 * @param {number} most
 */
export function roundTicks(low, high, most) {
  const rough = (high - low) / Math.max(most, 1);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * unit >= rough) ?? 10) * unit;
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) {
    ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
  }
  return ticks;
}
