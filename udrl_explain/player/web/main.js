// @ts-check
import { drawTheme } from "./draw_colours.js";
import { byId, make, oncePerFrame, setText } from "./page_dom.js";
import { pageLink, readPageLink } from "./page_link.js";
import { readModel } from "./page_model.js";
import { Workshop } from "./page_work.js";
import { commandWords, formatProbability } from "./page_words.js";
import { viewAgent } from "./view_agent.js";
import { viewCheck } from "./view_check.js";
import { viewChoices, viewLink } from "./view_choices.js";
import { viewCommand } from "./view_command.js";
import { viewEpisode } from "./view_episode.js";
import { viewFiles, episodeTable, paintView } from "./view_files.js";
import { viewPath } from "./view_path.js";
import { viewPlane } from "./view_plane.js";
import { viewTransport } from "./view_transport.js";
import { viewWhy } from "./view_why.js";

/** @typedef {import("./page_model.js").Model} Model */

const MOST_AT_ONCE = 4; // steps searched before the screen has its turn

async function begin() {
  const data = JSON.parse(document.getElementById("player-data")?.textContent ?? "");
  const model = await readModel(data);
  const linked = readPageLink(model, location.hash);
  if (linked !== null) model.show(linked);
  let theme = drawTheme();
  const workshop = new Workshop();
  const say = (/** @type {string} */ words) => setText(byId("status", HTMLParagraphElement), words);
  /** @type {(() => void)[]} */
  let light = [];

  const episode = viewEpisode(model, () => theme);
  const build = () => {
    const stage = byId("stage", HTMLElement);
    const template = byId("side", HTMLTemplateElement);
    for (const old of stage.querySelectorAll("[data-side]")) old.remove();
    stage.dataset.sides = `${model.sides.length}`;
    workshop.clear();
    light = [];
    for (const [i, side] of model.sides.entries()) {
      const parts = document.importNode(template.content, true);
      const [agent, plane, why, path] = ["agent", "plane", "why", "path"].map((name) => {
        const panel = parts.querySelector(`.${name}`);
        if (!(panel instanceof HTMLElement)) throw new Error(`the page has no panel ${name}`);
        panel.dataset.side = `${i}`;
        return panel;
      });
      // Reading order: the agents before the episode, all that explains them behind it.
      stage.insertBefore(agent, i === 0 && model.sides.length === 1 ? byId("command", HTMLElement) : byId("episode", HTMLElement));
      stage.append(plane, why, path);
      light.push(viewAgent(model, side, agent, () => theme));
      for (const [panel, show] of /** @type {[HTMLElement, () => void][]} */ ([
        [plane, viewPlane(model, side, plane, () => theme)],
        [why, viewWhy(model, side, why)],
        [path, viewPath(model, side, path)],
      ])) workshop.add(panel, show);
    }
  };
  const shown = () => model.sides.map((side) => side.run.label).join("\n");
  let built = "";
  const renew = () => {
    if (built !== shown()) {
      built = shown();
      build();
    }
    for (const show of light) show();
    episode();
    workshop.renew();
  };
  const soon = oncePerFrame(renew);
  const episodeSoon = oncePerFrame(episode);
  model.on(["episode", "frame", "choice"], soon);
  model.on(["found"], episodeSoon);
  workshop.idle = () => searched(model);
  viewCommand(model);
  viewChoices(model);
  viewTransport(model);
  viewFiles(model, () => theme, () => workshop.finish(), say);
  viewLink(model, say);
  viewNotes(model);
  viewStatus(model, say);
  addEventListener("resize", soon);
  addEventListener("hashchange", () => {
    const wanted = readPageLink(model, location.hash);
    if (wanted !== null && location.hash.slice(1) !== pageLink(model)) model.show(wanted);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    theme = drawTheme();
    soon();
  });
  renew();
  const checks = await viewCheck(model);
  return { model, checks, workshop, picture: () => paintView(model, theme) };
}

/**
 * Look for the influence of the command and the flips of one more step, the nearest to the present one first.
 * @param {Model} model
 * @returns {boolean} whether there was something to look for
 */
function searched(model) {
  if (model.playing || document.hidden) return false;
  const until = performance.now() + 12;
  let found = 0;
  for (const side of model.sides) {
    for (let i = 0; i < side.track.length; i++) {
      const t = (model.view.t + i) % side.track.length;
      const news = side.flips[t] === undefined || Number.isNaN(side.influence[t]);
      if (!news) continue;
      side.commandInfluence(t);
      side.flip(t);
      found++;
      if (found >= MOST_AT_ONCE || performance.now() > until) {
        model.tell("found");
        return true;
      }
    }
  }
  if (found > 0) model.tell("found");
  return found > 0;
}

/** @param {Model} model */
function viewNotes(model) {
  const notes = model.data.runs.flatMap((/** @type {any} */ run) => run.notes.map((/** @type {string} */ note) => `${run.label}: ${note}`));
  for (const left of model.data.left_out) notes.push(`Not in this page: ${left.label ?? left.folder}, ${left.reason}`);
  if (model.data.recorded_words) notes.push(model.data.recorded_words);
  notes.push(`Made by udrl_explain ${model.data.made_by.version ?? ""}.`);
  byId("notes", HTMLUListElement).append(...notes.map((/** @type {string} */ note) => make("li", {}, note)));
}

/**
 * Tell a screen reader where the reader has gone, once it stands still.
 * @param {Model} model
 * @param {(words: string) => void} say
 */
function viewStatus(model, say) {
  let timer = 0;
  model.on(["frame", "episode", "playing"], () => {
    clearTimeout(timer);
    if (model.playing) return;
    timer = setTimeout(() => {
      const { t } = model.view;
      const { desiredReturn, desiredHorizon } = model.present;
      const actions = model.sides.map((side) => {
        const action = side.action(t);
        return `${side.run.label}: ${model.actions[action]}, probability ${formatProbability(side.probabilities(t)[action])}`;
      });
      say(`Step ${t} of ${model.length - 1}, asked for ${commandWords(desiredReturn, desiredHorizon)}. ${actions.join(". ")}.`);
    }, 600);
  });
}

const begun = begin();

Object.assign(globalThis, {
  udrlPlayer: {
    ready: begun.then(({ model, checks, workshop, picture }) => ({
      state: () => ({
        ...structuredClone(model.view), run: model.data.runs[model.view.run].label, length: model.length,
        command: model.present, checks, labels: model.sides.map((side) => side.run.label),
      }),
      frame: (/** @type {number} */ t, which = 0) => {
        const side = model.sides[which];
        return { row: [...side.row(t)], probabilities: [...side.probabilities(t)], action: side.action(t) };
      },
      explain: (/** @type {number} */ t, which = 0) => {
        const { values, base, state, command } = model.sides[which].explain(t);
        return { values: [...values], base: [...base], state: [...state], command: [...command] };
      },
      flip: (/** @type {number} */ t, which = 0) => model.sides[which].flip(t),
      setCommand: (/** @type {number} */ r, /** @type {number} */ h) => model.command(r, h),
      step: (/** @type {number} */ n) => model.show({ t: model.view.t + n }),
      seek: (/** @type {number} */ t) => model.show({ t }),
      choose: (/** @type {Partial<import("./page_model.js").View>} */ parts) => model.show(parts),
      hash: () => pageLink(model),
      table: (which = 0) => episodeTable(model, model.sides[which]),
      picture,
      finish: () => workshop.finish(),
    })),
  },
});
