// @ts-check
import { byId, make, setText } from "./page_dom.js";
import { formatNumber } from "./page_words.js";

/** @typedef {import("./page_model.js").Model} Model */

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
/** Steps per second of the environment's own time. */
const PACE = /** @type {Record<string, number>} */ ({ CartPole: 50, Acrobot: 15, MountainCar: 30, LunarLander: 50, other: 20 });

/**
 * Playing, stepping and scrubbing, with buttons and keys.
 * @param {Model} model
 */
export function viewTransport(model) {
  const [play, first, back, forth, last, flipBack, flipForth] =
    ["play", "first", "back", "forth", "last", "flip-back", "flip-forth"].map((id) => byId(id, HTMLButtonElement));
  const scrub = byId("scrub", HTMLInputElement);
  const speed = byId("speed", HTMLSelectElement);
  const where = byId("where", HTMLOutputElement);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) model.speed = 0.1;
  speed.append(...SPEEDS.map((one) => make("option", { value: `${one}` }, `${one} ×`)));
  const go = (/** @type {number} */ t) => {
    if (model.playing) model.run(false);
    model.show({ t });
  };
  const flip = (/** @type {number} */ way) => {
    const { flips } = model.sides[0];
    for (let t = model.view.t + way; t >= 0 && t < model.length; t += way) {
      if (flips[t]) {
        go(t);
        return;
      }
    }
  };
  const faster = (/** @type {number} */ way) => {
    model.speed = SPEEDS[Math.min(Math.max(SPEEDS.indexOf(model.speed) + way, 0), SPEEDS.length - 1)];
    model.tell("playing");
  };
  play.addEventListener("click", () => model.run(!model.playing));
  first.addEventListener("click", () => go(0));
  last.addEventListener("click", () => go(model.length - 1));
  back.addEventListener("click", () => go(model.view.t - 1));
  forth.addEventListener("click", () => go(model.view.t + 1));
  flipBack.addEventListener("click", () => flip(-1));
  flipForth.addEventListener("click", () => flip(1));
  scrub.addEventListener("input", () => go(Number(scrub.value)));
  speed.addEventListener("change", () => {
    model.speed = Number(speed.value);
  });
  /** @type {Record<string, () => void>} */
  const keys = {
    " ": () => model.run(!model.playing), ArrowLeft: () => go(model.view.t - 1), ArrowRight: () => go(model.view.t + 1),
    Home: () => go(0), End: () => go(model.length - 1), "[": () => flip(-1), "]": () => flip(1),
    ",": () => faster(-1), ".": () => faster(1),
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    const busy = target.closest("input, select") !== null && !(target === scrub && event.key === " ");
    const pressed = event.key === " " && target.closest("button") !== null;
    if (busy || pressed || event.ctrlKey || event.metaKey || event.altKey || keys[event.key] === undefined) return;
    event.preventDefault();
    keys[event.key]();
  });
  const show = () => {
    setText(play, model.playing ? "⏸ Pause" : "▶ Play");
    speed.value = `${model.speed}`;
    scrub.max = `${model.length - 1}`;
    scrub.value = `${model.view.t}`;
    scrub.setAttribute("aria-valuetext", `step ${model.view.t} of ${model.length - 1}`);
    const ends = model.sides.map((side) => {
      const name = model.sides.length > 1 ? `${side.run.label}: ` : "";
      return `${name}return ${formatNumber(side.track.totalReturn, 4)} after ${side.track.length} steps`;
    });
    setText(where, `step ${model.view.t} of ${model.length - 1} · whole episode: ${ends.join("; ")}`);
  };
  model.on(["episode", "frame", "playing"], show);
  show();
  keepTime(model);
}

/** @param {Model} model */
function keepTime(model) {
  let before = 0;
  let owed = 0;
  const pace = PACE[model.data.environment.kind] ?? PACE.other;
  const tick = (/** @type {number} */ now) => {
    if (!model.playing) return;
    owed += Math.min((now - before) / 1000, 0.25) * pace * model.speed;
    before = now;
    const steps = Math.floor(owed);
    owed -= steps;
    if (steps > 0) {
      model.show({ t: Math.min(model.view.t + steps, model.length - 1) });
      if (model.view.t >= model.length - 1) {
        model.run(false);
        return;
      }
    }
    requestAnimationFrame(tick);
  };
  let running = false;
  model.on(["playing"], () => {
    if (model.playing && !running) {
      before = performance.now();
      owed = 0;
      requestAnimationFrame(tick);
    }
    running = model.playing;
  });
}
