// @ts-check
import { pageLink } from "./page_link.js";
import { byId, make, setText } from "./page_dom.js";
import { commandWords, formatNumber } from "./page_words.js";

/** @typedef {import("./page_model.js").Model} Model */

/**
 * Which policy, which start, which second policy beside it.
 * @param {Model} model
 */
export function viewChoices(model) {
  const [run, seed, beside] = ["run", "seed", "beside"].map((id) => byId(id, HTMLSelectElement));
  const labels = model.data.runs.map((/** @type {{label: string}} */ one) => one.label);
  run.append(...labels.map((/** @type {string} */ label, /** @type {number} */ i) => make("option", { value: `${i}` }, label)));
  beside.append(make("option", { value: "-1" }, "nothing"));
  beside.append(...labels.map((/** @type {string} */ label, /** @type {number} */ i) => make("option", { value: `${i}` }, label)));
  beside.disabled = labels.length < 2;
  seed.append(...model.seeds.map((one) => make("option", { value: `${one}` }, `${one}`)));
  run.addEventListener("change", () => model.show({ run: Number(run.value) }));
  seed.addEventListener("change", () => model.show({ seed: Number(seed.value), changes: [], t: 0 }));
  beside.addEventListener("change", () => model.show({ beside: Number(beside.value) }));
  const words = byId("choice-words", HTMLParagraphElement);
  const show = () => {
    const view = model.view;
    run.value = `${view.run}`;
    seed.value = `${view.seed}`;
    for (const option of beside.options) option.disabled = option.value === `${view.run}`;
    beside.value = `${view.beside}`;
    setText(words, model.sides.map((side) => evaluated(side.run)).join(" "));
  };
  model.on(["episode"], show);
  show();
}

/** @param {any} run */
function evaluated(run) {
  if (run.final_return === null) return `${run.label}: its final policy was not evaluated.`;
  const { mean, std, n } = run.final_return;
  const { desired_return: desired, desired_horizon: horizon } = run.command;
  return `${run.label}: in ${n} evaluation episodes, asked for ${commandWords(desired, horizon)}, `
    + `it collected ${formatNumber(mean, 4)} ± ${formatNumber(std, 3)} (mean ± standard deviation).`;
}

/**
 * Keep the view in the address, and give it to the reader's clipboard.
 * @param {Model} model
 * @param {(words: string) => void} say
 */
export function viewLink(model, say) {
  const keep = () => {
    if (model.playing) return;
    try {
      history.replaceState(null, "", `#${pageLink(model)}`);
    } catch {
      // A page inside a notebook has no address of its own; the link can still be copied.
    }
  };
  let timer = 0;
  model.on(["episode", "frame", "choice", "playing"], () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 400);
  });
  byId("copy-link", HTMLButtonElement).addEventListener("click", async () => {
    const link = `${location.href.split("#")[0]}#${pageLink(model)}`;
    keep();
    try {
      await navigator.clipboard.writeText(link);
      say("The link to this view is in the clipboard.");
    } catch {
      byId("link-text", HTMLParagraphElement).hidden = false;
      const field = byId("link-field", HTMLInputElement);
      field.value = link;
      field.select();
    }
  });
}
