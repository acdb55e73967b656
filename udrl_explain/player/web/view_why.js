// @ts-check
import { make, setText, within } from "./page_dom.js";
import { featureWords, formatNumber, formatProbability, formatSigned, formatValue } from "./page_words.js";

/** @typedef {import("./page_model.js").Model} Model */
/** @typedef {import("./page_side.js").Side} Side */

/**
 * Shapley values of the present step: for an action's probability, or for how much greater it is than another's.
 * @param {Model} model
 * @param {Side} side
 * @param {HTMLElement} panel
 * @returns {() => void}
 */
export function viewWhy(model, side, panel) {
  setText(within(panel, "h2", HTMLHeadingElement), `Why: ${side.run.label}`);
  const explained = within(panel, ".explained", HTMLSelectElement);
  const against = within(panel, ".against", HTMLSelectElement);
  const names = model.actions.map((/** @type {string} */ name, /** @type {number} */ a) => [`${a}`, name]);
  for (const [select, first] of /** @type {[HTMLSelectElement, string][]} */ ([[explained, "the action taken"], [against, "nothing"]])) {
    select.replaceChildren(...[["-1", first], ...names].map(([value, name]) => make("option", { value }, name)));
  }
  explained.addEventListener("change", () => model.show({ explained: Number(explained.value) }));
  against.addEventListener("change", () => model.show({ against: Number(against.value) }));
  const body = within(panel, "tbody", HTMLTableSectionElement);
  const n = model.features.length;
  const lines = model.features.map((/** @type {any} */ feature, /** @type {number} */ j) => {
    const words = featureWords(feature);
    return barLine(words.includes(feature.symbol) ? words : `${words} ${feature.symbol}`, j < n - 2 ? "is-state" : "is-command");
  });
  const groups = [barLine("whole state together", "is-state"), barLine("whole command together", "is-command")];
  groups[0].line.classList.add("total");
  body.replaceChildren(...[...lines, ...groups].map((one) => one.line));
  setText(within(panel, ".note", HTMLParagraphElement), noteOf(side));
  return () => {
    const { t } = model.view;
    explained.value = `${model.view.explained}`;
    against.value = `${model.view.against}`;
    const { values, base, state, command } = side.explain(t);
    const chances = side.probabilities(t);
    const action = model.explainedOf(side);
    const other = model.view.against === action ? -1 : model.view.against;
    const nActions = model.actions.length;
    const of = (/** @type {ArrayLike<number>} */ numbers, /** @type {number} */ from) => {
      return numbers[from + action] - (other < 0 ? 0 : numbers[from + other]);
    };
    const each = Float64Array.from({ length: n }, (_, j) => of(values, j * nActions));
    const whole = [of(state, 0), of(command, 0)];
    const most = Math.max(...[...each, ...whole].map(Math.abs), 0.05);
    const row = side.row(t);
    for (const [j, line] of lines.entries()) line.show(formatValue(row[j], model.features[j]), each[j], most);
    for (const [j, line] of groups.entries()) line.show("", whole[j], most);
    const name = model.actions[action];
    const what = other < 0 ? `the probability of ${name}` : `how much likelier ${name} is than ${model.actions[other]}`;
    const from = other < 0 ? formatProbability(of(base, 0)) : formatSigned(of(base, 0));
    const to = other < 0 ? formatProbability(of(chances, 0)) : formatSigned(of(chances, 0));
    setText(within(panel, ".words", HTMLParagraphElement),
      `Averaged over ${side.run.background_words}, ${what} is ${from}. At this step it is ${to}. The bars say how much each input's present value adds or takes away; they sum to the difference (exact Shapley values).`);
    setText(within(panel, ".split", HTMLParagraphElement),
      `The last two lines take the state as one part and the command as another; here ${Math.abs(whole[1]) > Math.abs(whole[0]) ? "the command" : "the state"} weighs more. They too sum to the difference, but need not be the sums of their single bars: what inputs do only together is shared out otherwise.`);
  };
}

/**
 * A line of the table, with a bar to the left or right of the middle.
 * @param {string} name
 * @param {string} kind
 */
function barLine(name, kind) {
  const bar = make("i", {});
  const now = make("td", {});
  const number = make("td", { class: "number" });
  const line = make("tr", { class: kind }, make("th", { scope: "row" }, name), now, make("td", {}, make("div", { class: "bar signed" }, bar)), number);
  return {
    line,
    /**
     * @param {string} value
     * @param {number} pushes
     * @param {number} most
     */
    show(value, pushes, most) {
      const share = (50 * Math.abs(pushes)) / most;
      bar.style.left = `${pushes < 0 ? 50 - share : 50}%`;
      bar.style.width = `${share}%`;
      bar.style.background = pushes < 0 ? "var(--down)" : "var(--up)";
      setText(now, value);
      setText(number, formatSigned(pushes));
    },
  };
}

/** @param {Side} side */
function noteOf(side) {
  const { commands } = side.support;
  const n = commands.length / 2;
  const pairs = Array.from({ length: n }, (_, i) => [commands[2 * i], commands[2 * i + 1]]);
  const [meanR, meanH] = [0, 1].map((j) => pairs.reduce((sum, pair) => sum + pair[j], 0) / n);
  const sum = (/** @type {(r: number, h: number) => number} */ f) => pairs.reduce((all, [r, h]) => all + f(r - meanR, h - meanH), 0);
  const correlation = Math.abs(sum((r, h) => r * h) / Math.sqrt(sum((r) => r * r) * sum((_, h) => h * h)));
  return correlation > 0.95
    ? `In training, desired return and horizon went together (correlation ${formatNumber(correlation, 2)}): how credit is shared between the two says little, read them as one command.`
    : "";
}
