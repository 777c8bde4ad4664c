// Shared by the plots: one tooltip, beside the pointer or the focused element.
// deno-lint-ignore-file no-unused-vars -- the other scripts of the page use these.
const tooltip = document.getElementById("tooltip");

/** Where the tooltip belongs as the page scrolls; null when it stays with the pointer. */
let anchor = null;

/** A number of single precision in its seven digits at most. */
const exactly = (value) => String(Number(value.toPrecision(7))).replaceAll("-", "−");

/**
 * entries: {label, value, name?, chosen?}; texts only, so that nothing in them is markup.
 * where: [x, y] of the pointer, or a function that gives it for what has the focus.
 */
function showTooltip(title, entries, where) {
  const heading = document.createElement("strong");
  heading.textContent = title;
  const list = document.createElement("dl");
  for (const { label, value, name, chosen } of entries) {
    const term = document.createElement("dt"), text = document.createElement("dd");
    term.textContent = label;
    text.textContent = value;
    if (name) text.dataset.name = name;
    if (chosen) term.className = text.className = "chosen";
    list.append(term, text);
  }
  tooltip.replaceChildren(heading, list);
  tooltip.hidden = false;
  anchor = typeof where === "function" ? where : null;
  placeTooltip(...(anchor ? anchor() : where));
}

function placeTooltip(x, y) {
  const { width, height } = tooltip.getBoundingClientRect();
  const left = x + 16 + width > innerWidth ? x - 16 - width : x + 16;
  const top = y + 16 + height > innerHeight ? y - 16 - height : y + 16;
  tooltip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
}

function hideTooltip() {
  tooltip.hidden = true;
}

addEventListener("keydown", (event) => event.key === "Escape" && hideTooltip());
addEventListener(
  "scroll",
  () => anchor && !tooltip.hidden ? placeTooltip(...anchor()) : hideTooltip(),
  {
    capture: true,
    passive: true,
  },
);
