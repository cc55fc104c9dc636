// Elements, made and changed without HTML from strings.

export const find = (selector, within = document) => within.querySelector(selector);

/** An element: make("td", { class: "figure", onclick: f }, child, "text", …). */
export function make(name, attributes = {}, ...children) {
  const element = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make rows of a container the given elements, by their data-key: those that are there stay, focus and all. */
export function arrange(container, keys, create, update) {
  const known = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let place = container.firstElementChild;
  for (const key of keys) {
    let element = known.get(key);
    if (!element) {
      element = create(key);
      element.dataset.key = key;
    }
    known.delete(key);
    update(element, key);
    if (element === place) place = place.nextElementSibling;
    else container.insertBefore(element, place);
  }
  for (const gone of known.values()) gone.remove();
}

/** Let the arrow keys go from row to row of a container, Home and End to the first and last; space calls `choose`. */
export function letWalk(container, selector, choose = null) {
  const keys = { ArrowDown: (at) => at + 1, ArrowUp: (at) => at - 1, Home: () => 0, End: () => Infinity };
  container.addEventListener("keydown", (event) => {
    const rows = [...container.querySelectorAll(selector)];
    const at = rows.indexOf(document.activeElement);
    if (event.key === " " && choose && at >= 0) choose(rows[at]);
    else if (event.key in keys && rows.length) rows[Math.min(Math.max(keys[event.key](at), 0), rows.length - 1)].focus();
    else return;
    event.preventDefault();
  });
}

/** Set a text where it is another. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
