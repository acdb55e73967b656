// @ts-check
import { drawAcrobot } from "./draw_acrobot.js";
import { drawCartPole } from "./draw_cart_pole.js";
import { drawLunarLander } from "./draw_lunar_lander.js";
import { drawMountainCar } from "./draw_mountain_car.js";
import { drawStrips } from "./draw_strips.js";

/** @typedef {import("./draw_canvas.js").Sheet} Sheet */
/** @typedef {import("./draw_colours.js").Theme} Theme */
/** @typedef {import("./page_words.js").Feature} Feature */
/** @typedef {{rows: Float64Array, actions: ArrayLike<number>, length: number}} Drawable */

/** @type {Record<string, (sheet: Sheet, seen: Float64Array, action: number, theme: Theme) => void>} */
const PICTURES = {
  CartPole: drawCartPole,
  Acrobot: drawAcrobot,
  MountainCar: drawMountainCar,
  LunarLander: drawLunarLander,
};

/**
 * The agent at one step of an episode.
 * @param {Sheet} sheet
 * @param {string} kind of the environment
 * @param {Drawable} track
 * @param {number} t
 * @param {Feature[]} features
 * @param {Theme} theme
 */
export function drawAgent(sheet, kind, track, t, features, theme) {
  const picture = PICTURES[kind];
  if (picture === undefined) {
    drawStrips(sheet, track, t, features, theme);
    return;
  }
  const seen = track.rows.subarray(t * features.length, (t + 1) * features.length);
  sheet.brush.save();
  picture(sheet, seen, track.actions[t], theme);
  sheet.brush.restore();
}

/**
 * How tall the picture is, of a width, in CSS pixels.
 * @param {string} kind
 * @param {number} width
 * @param {number} nObservations
 */
export function agentHeight(kind, width, nObservations) {
  return kind in PICTURES ? Math.round(Math.min(width * 0.62, 270)) : Math.min(46 * nObservations, 460);
}
