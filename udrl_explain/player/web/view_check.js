// @ts-check
import { byId, setText } from "./page_dom.js";
import { formatNumber } from "./page_words.js";
import { checkPolicy } from "./self_check.js";

/** @typedef {import("./page_model.js").Model} Model */
/** @typedef {ReturnType<typeof checkPolicy>} Checked */

/**
 * Ask every policy for the answers that Python stored, and say whether they are the same.
 * @param {Model} model
 * @returns {Promise<Checked[]>}
 */
export async function viewCheck(model) {
  const mark = byId("check", HTMLParagraphElement);
  /** @type {Checked[]} */
  const results = [];
  for (const side of model.players) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    results.push(checkPolicy(side.policy, side.checkRows, side.checkWanted, side.checkRows.length / side.policy.nFeatures));
  }
  const bad = model.players.filter((_, i) => !results[i].good);
  mark.dataset.result = bad.length === 0 ? "good" : "bad";
  const n = results.reduce((sum, result) => sum + result.n, 0);
  const nets = results.filter((result) => !result.exact);
  const within = nets.length === 0 ? "" : `, the others within ${formatNumber(Math.max(...nets.map((one) => one.worst)), 1)}`;
  const exact = results.length - nets.length;
  setText(mark, bad.length === 0
    ? `✓ Self-check passed: on ${n} stored inputs this page computes the probabilities that Python computed (${exact} of ${results.length} policies to the last bit${within}).`
    : `✗ Self-check failed: ${bad.map((side) => side.run.label).join(", ")} answers otherwise here than in Python. Do not trust what this page shows of it.`);
  return results;
}
