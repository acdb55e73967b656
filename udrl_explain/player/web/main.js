// @ts-check
import { decodeBlock } from "./blocks.js";

/** @returns {Promise<void>} */
async function begin() {
  const text = document.getElementById("player-data")?.textContent ?? "";
  const data = JSON.parse(text);
  const rows = await decodeBlock(data.runs[0].check.rows);
  const shown = document.createElement("p");
  shown.textContent = `${data.runs.length} runs, ${rows.length} numbers to check`;
  document.getElementById("stage")?.append(shown);
}

const ready = begin();
Object.assign(globalThis, { udrlPlayer: { ready } });
