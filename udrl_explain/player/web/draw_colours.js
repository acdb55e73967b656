// @ts-check

/** Okabe and Ito's colours, in the order of the report's figures. */
const ACTION_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#7f7f7f"];
const COMMAND_COLOUR = "#D55E00";
const STATE_COLOUR = "#56B4E9";

/**
 * What pictures are drawn with, as the page's style has it now.
 * @typedef {{
 *   ink: string, soft: string, line: string, faint: string, page: string, up: string, down: string, dark: boolean,
 *   command: string, state: string, sans: string,
 * }} Theme
 */

/** @returns {Theme} */
export function drawTheme() {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    ink: read("--ink"), soft: read("--soft"), line: read("--line"), faint: read("--faint"), page: read("--page"),
    up: read("--up"), down: read("--down"), dark: matchMedia("(prefers-color-scheme: dark)").matches,
    command: COMMAND_COLOUR, state: STATE_COLOUR, sans: read("--sans") || "sans-serif",
  };
}

/**
 * The colour that an action has everywhere on the page.
 * @param {number} action
 */
export function actionColour(action) {
  return ACTION_COLOURS[action % ACTION_COLOURS.length];
}

/** @type {Map<string, HTMLCanvasElement>} */
const TILES = new Map();
const TILE = 12;

/** Lines and dots that repeat an action's colour for readers who see none.
 * @type {((brush: CanvasRenderingContext2D) => void)[]} */
const HATCHES = [
  () => {},
  (brush) => brush.fillRect(5, 0, 1.5, TILE),
  (brush) => brush.fillRect(4, 4, 3, 3),
  (brush) => brush.fillRect(0, 5, TILE, 1.5),
  (brush) => {
    brush.fillRect(5, 0, 1.5, TILE);
    brush.fillRect(0, 5, TILE, 1.5);
  },
  (brush) => brush.strokeRect(3, 3, 5, 5),
];

/**
 * A brush for areas that belong to an action: its colour with its hatch.
 * @param {CanvasRenderingContext2D} brush
 * @param {number} action
 * @param {string} hatch colour of the lines
 * @returns {CanvasPattern | string}
 */
export function actionPattern(brush, action, hatch) {
  const key = `${action} ${hatch}`;
  let tile = TILES.get(key);
  if (tile === undefined) {
    tile = document.createElement("canvas");
    tile.width = TILE;
    tile.height = TILE;
    const inner = tile.getContext("2d");
    if (inner === null) return actionColour(action);
    inner.fillStyle = actionColour(action);
    inner.fillRect(0, 0, TILE, TILE);
    inner.fillStyle = hatch;
    inner.strokeStyle = hatch;
    HATCHES[action % HATCHES.length](inner);
    TILES.set(key, tile);
  }
  return brush.createPattern(tile, "repeat") ?? actionColour(action);
}
