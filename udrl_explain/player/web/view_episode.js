// @ts-check
import { drawSheet } from "./draw_canvas.js";
import { drawEpisode, stripsHeight } from "./draw_episode.js";
import { byId, clamped, make, setText } from "./page_dom.js";
import { commandWords, featureWords, formatProbability, formatValue } from "./page_words.js";

/** @typedef {import("./page_model.js").Model} Model */
/** @typedef {import("./page_side.js").Side} Side */
/** @typedef {import("./draw_colours.js").Theme} Theme */

/** Left of the strips, for their names; the scrubber above them begins there too.
 * @returns {number} */
export function stripMargin() {
  return innerWidth < 560 ? 86 : 112;
}

/**
 * Strips of all sides shown, below the scrubber.
 * @param {Model} model
 * @param {() => Theme} theme
 * @returns {() => void}
 */
export function viewEpisode(model, theme) {
  const place = byId("strips", HTMLDivElement);
  const words = byId("flip-words", HTMLParagraphElement);
  /** @type {HTMLCanvasElement[]} */
  let canvases = [];
  /** @type {number | null} */
  let pointed = null;
  const stepAt = (/** @type {MouseEvent} */ event, /** @type {HTMLCanvasElement} */ canvas) => {
    const share = (event.offsetX - stripMargin() - 8) / (canvas.clientWidth - stripMargin() - 16);
    return clamped(Math.round(share * (model.length - 1)), 0, model.length - 1);
  };
  const tell = (/** @type {Side} */ side, /** @type {number} */ t) => setText(words, flipWords(model, side, t));
  const build = () => {
    canvases = model.sides.map((side) => {
      const canvas = make("canvas", { role: "img", "aria-label": `Strips of ${side.run.label}` });
      canvas.addEventListener("click", (event) => model.show({ t: stepAt(event, canvas) }));
      canvas.addEventListener("mousemove", (event) => {
        pointed = stepAt(event, canvas);
        tell(side, pointed);
      });
      canvas.addEventListener("mouseleave", () => {
        pointed = null;
        tell(model.sides[0], model.view.t);
      });
      return canvas;
    });
    place.replaceChildren(...canvases.flatMap((canvas, i) => {
      return model.sides.length < 2 ? [canvas] : [make("h3", {}, model.sides[i].run.label), canvas];
    }));
  };
  const show = () => {
    byId("scrub", HTMLInputElement).parentElement?.style.setProperty("--margin", `${stripMargin()}px`);
    for (const [i, side] of model.sides.entries()) {
      if (canvases[i] === undefined) continue;
      const sheet = drawSheet(canvases[i], stripsHeight(side.policy.nActions));
      const changed = model.view.changes.map((change) => change.step);
      if (sheet !== null) drawEpisode(sheet, side, model.length, model.view.t, stripMargin(), changed, theme());
      const flips = side.flips.filter(Boolean).length;
      canvases[i].setAttribute("aria-label", `Strips of ${side.run.label}: actions, desired return and horizon, the command's pull, and ${flips} flips found so far in ${side.track.length} steps.`);
    }
    if (pointed === null) tell(model.sides[0], model.view.t);
  };
  build();
  model.on(["episode"], build);
  return show;
}

/**
 * What is known of a step's flip, with the test that decides.
 * @param {Model} model
 * @param {Side} side
 * @param {number} t
 */
function flipWords(model, side, t) {
  const at = side.at(t);
  const row = side.row(at);
  const action = side.action(at);
  const first = `Step ${at}: asked for ${commandWords(row[row.length - 2], row[row.length - 1])}, ${side.run.label} chose ${model.actions[action]} (probability ${formatProbability(side.probabilities(at)[action])}).`;
  const flip = side.flips[at];
  if (flip === undefined) return `${first} Whether another command flips it has not been computed yet.`;
  if (flip === null) return `${first} No command like those of training flips it.`;
  const other = `Asked for ${commandWords(flip.desiredReturn, flip.desiredHorizon)} it would choose ${model.actions[flip.action]}.`;
  if (flip.test === null) return `${first} ${other}`;
  const feature = model.features[flip.test.feature];
  return `${first} ${other} Decisive test: ${featureWords(feature)} ≤ ${formatValue(flip.test.threshold, feature)}, where ${flip.test.nTrees} of the ${flip.test.nTreesParting} trees that answer otherwise part.`;
}
