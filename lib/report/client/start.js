// @ts-check
/// <reference lib="dom" />
/** Begins a page: every protein is set up when it is first seen. */
import { jsonOf, unpack } from "./data.js";
import { followLook, View } from "./figure.js";

/**
 * @param {(view: View, data: any) => void | Promise<void>} setUp draws a protein from its data
 * @param {(view: View, data: any) => void | Promise<void>} [setUpSummary] draws what is over all proteins
 */
export async function start(setUp, setUpSummary) {
  await loadLibraries();
  followLook();
  const summary = /** @type {HTMLElement | null} */ (document.querySelector("[data-summary]"));
  /** @type {(void | Promise<void>)[]} */
  const begun = [];
  if (summary) {
    begun.push(
      setUpSummary?.(new View(summary, { id: "", letters: "" }), jsonOf(summary, "data")),
    );
  }
  for (const root of document.querySelectorAll("[data-view]")) {
    const element = /** @type {HTMLElement} */ (root), fold = element.closest("details");
    const begin = () => {
      const view = new View(element, jsonOf(element, "protein"));
      return setUp(view, jsonOf(element, "data"));
    };
    if (!fold || fold.open) begun.push(begin());
    // Figures measure their frames, which folded ones do not have.
    else fold.addEventListener("toggle", () => void begin(), { once: true });
  }
  // A link to a protein opens it.
  addEventListener("hashchange", openTarget);
  openTarget();
  await Promise.all(begun);
  document.documentElement.dataset.ready = `${Math.round(performance.now())} ms`;
}

/** Runs the scripts of other authors, which the page holds packed. */
async function loadLibraries() {
  for (const packed of document.querySelectorAll("script[data-library]")) {
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(await unpack(packed.textContent ?? ""));
    document.head.append(script);
  }
}

function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

/** Buttons of which one is pressed.
 * @param {ParentNode} within @param {string} name of their data attribute
 * @param {(value: string) => void} choose */
export function chooseOne(within, name, choose) {
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (
    within.querySelectorAll(`button[data-${name}]`)
  );
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
      choose(button.dataset[name] ?? "");
    });
  }
}
