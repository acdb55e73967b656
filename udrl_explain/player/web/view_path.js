// @ts-check
import { decisionPath, leafValue } from "./paths.js";
import { clamped, make, setText, within } from "./page_dom.js";
import { featureWords, formatNumber, formatProbability, formatValue } from "./page_words.js";

/** @typedef {import("./page_model.js").Model} Model */
/** @typedef {import("./page_side.js").Side} Side */

/**
 * The tests that one tree of a forest puts to the present step.
 * @param {Model} model
 * @param {Side} side
 * @param {HTMLElement} panel
 * @returns {() => void}
 */
export function viewPath(model, side, panel) {
  setText(within(panel, "h2", HTMLHeadingElement), `One tree's decision: ${side.run.label}`);
  const { nTrees } = side.policy;
  const words = within(panel, ".words", HTMLParagraphElement);
  if (nTrees === 0) {
    setText(words, "A neural net asks no tests: its decision has no path to show. The bars under “Why” hold for it all the same.");
    return () => {};
  }
  const field = make("input", { type: "number", min: "1", max: `${nTrees}`, step: "1" });
  field.addEventListener("change", () => {
    const wanted = Number(field.value);
    if (Number.isFinite(wanted)) model.show({ tree: clamped(Math.round(wanted), 1, nTrees) - 1 });
  });
  within(panel, ".asked", HTMLDivElement).replaceChildren(make("label", {}, "Tree ", field), make("small", {}, `of ${nTrees}`));
  const list = within(panel, "ol", HTMLOListElement);
  return () => {
    const tree = Math.min(model.view.tree, nTrees - 1);
    if (document.activeElement !== field) field.value = `${tree + 1}`;
    const row = Float64Array.from(side.row(model.view.t));
    const tests = decisionPath(side.policy, tree, row);
    list.replaceChildren(...tests.map((test) => {
      const feature = model.features[test.feature];
      const answer = test.left ? "yes" : "no";
      return make("li", {}, `${featureWords(feature)} ≤ ${formatValue(test.threshold, feature)}? Now ${formatNumber(test.value, 4)}: `, make("strong", {}, answer));
    }));
    const value = leafValue(side.policy, tree, row);
    const averaged = side.run.forest.link === "mean";
    const shares = model.actions.map((/** @type {string} */ name, /** @type {number} */ a) => {
      return `${name} ${averaged ? formatProbability(value[a]) : formatNumber(value[a])}`;
    });
    const end = averaged ? "where the training rows took" : "which adds to the scores";
    setText(words, `This tree asks ${tests.length} ${tests.length === 1 ? "question" : "questions"} and ends in a leaf ${end}: ${shares.join(", ")}. The forest ${averaged ? "averages" : "sums"} ${nTrees} such trees.`);
  };
}
