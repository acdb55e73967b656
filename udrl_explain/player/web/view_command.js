// @ts-check
import { byId, oncePerFrame, setText } from "./page_dom.js";
import { sameCommand } from "./page_model.js";
import { commandWords, formatProbability, speakOfHorizon } from "./page_words.js";

/** @typedef {import("./page_model.js").Model} Model */

/**
 * The two dials. They show the command in force, and set the one that is asked for.
 * @param {Model} model
 */
export function viewCommand(model) {
  const dials = ["return", "horizon"].map((name) => ({
    number: byId(`${name}-number`, HTMLInputElement),
    slider: byId(`${name}-slider`, HTMLInputElement),
  }));
  const words = byId("command-words", HTMLParagraphElement);
  const [undo, final, nearest] = ["undo", "final", "nearest"].map((name) => byId(`command-${name}`, HTMLButtonElement));
  const asked = () => model.view.whatIf ?? model.present;

  const ask = () => {
    const [desiredReturn, desiredHorizon] = dials.map((dial) => Number(dial.number.value));
    const written = dials.every((dial) => dial.number.value.trim() !== "" && Number.isFinite(Number(dial.number.value)));
    if (!written || desiredHorizon < 1) return;
    if (!sameCommand(asked(), { desiredReturn, desiredHorizon })) model.command(desiredReturn, desiredHorizon);
  };
  const askSoon = oncePerFrame(ask);
  for (const dial of dials) {
    dial.slider.addEventListener("input", () => {
      dial.number.value = dial.slider.value;
      askSoon();
    });
    dial.number.addEventListener("change", ask);
  }
  undo.addEventListener("click", () => model.show({ changes: [], whatIf: null }));
  final.addEventListener("click", () => {
    model.show({ start: model.finalCommand(model.view.run), changes: [], whatIf: null, t: 0 });
  });
  nearest.addEventListener("click", () => {
    if (model.view.whatIf !== null) model.show({ start: model.view.whatIf, whatIf: null, t: 0 });
  });

  const range = () => {
    const { return: returns, horizon: horizons } = model.sides[0].run.command_range;
    for (const [i, ends] of [returns, horizons].entries()) {
      const unit = 10 ** Math.floor(Math.log10(Math.max(ends[1] - ends[0], 1e-9) / 100));
      const step = i === 1 ? Math.max(1, unit) : unit;
      dials[i].slider.step = `${step}`;
      dials[i].slider.min = `${Math.floor(ends[0] / step) * step}`;
      dials[i].slider.max = `${Math.ceil(ends[1] / step) * step}`;
    }
    const matters = !model.sides[0].run.ignores_horizon;
    byId("horizon-dial", HTMLDivElement).hidden = !matters;
    speakOfHorizon(matters);
  };
  const show = () => {
    const now = asked();
    for (const [i, value] of [now.desiredReturn, now.desiredHorizon].entries()) {
      dials[i].slider.value = `${value}`;
      if (document.activeElement !== dials[i].number || model.playing) dials[i].number.value = `${Number(value.toFixed(4))}`;
    }
    undo.disabled = model.view.changes.length === 0 && model.view.whatIf === null;
    nearest.hidden = model.view.whatIf === null;
    setText(words, model.dynamics === null ? recordedWords(model) : liveWords(model));
  };
  model.on(["episode"], range);
  model.on(["episode", "frame", "choice"], show);
  range();
  show();
}

/** @param {Model} model */
function liveWords(model) {
  const { t, start, changes } = model.view;
  const story = [`Asked at the start: ${commandWords(start.desiredReturn, start.desiredHorizon)}.`];
  for (const change of changes) {
    story.push(`From step ${change.step}: ${commandWords(change.desiredReturn, change.desiredHorizon)}.`);
  }
  const moved = t === 0 ? "" : `A new command holds from this step, ${t}, on. `;
  return `${moved}${story.join(" ")} Each step takes the reward it brought off the desired return, and one step off the horizon.`;
}

/** @param {Model} model */
function recordedWords(model) {
  const { t, start, whatIf } = model.view;
  const shown = model.sides[0].startCommand;
  const exactly = sameCommand(shown, start) ? "" : ` (you asked for ${commandWords(start.desiredReturn, start.desiredHorizon)})`;
  const first = "This page cannot simulate this environment. Shown is the recorded episode whose command is nearest: "
    + `${commandWords(shown.desiredReturn, shown.desiredHorizon)}${exactly}.`;
  if (whatIf === null) return `${first} Ask for something else at any step, and see what the agent would do then.`;
  const answers = model.sides.map((side) => {
    const { probabilities } = side.underCommand(t, whatIf);
    const action = probabilities.indexOf(Math.max(...probabilities));
    const did = side.action(t);
    const chance = `${model.actions[action]} (probability ${formatProbability(probabilities[action])})`;
    return `Asked for ${commandWords(whatIf.desiredReturn, whatIf.desiredHorizon)} now, ${side.run.label} would choose `
      + (action === did ? `the same, ${chance}.` : `${chance} instead of ${model.actions[did]}.`);
  });
  return `${first} ${answers.join(" ")}`;
}
