// One unit's day on a click: its chart, its alarms, its figures, its export.

import { find, make } from "./dom.js";
import { columnsOf, DayChart } from "./day.js";
import * as figures from "./figures.js";
import { SHORT } from "./units.js";
import { word } from "./words.js";

/** Open the day of a node; `kind` of energy only where it is not a unit. */
export async function openNode(source, kind, code, day) {
  const dialog = find("#unit");
  const node = source.nodes.get(`${kind}/${code}`);
  const energy = SHORT[node?.unit_kind] ?? "gen";
  const chart = make("div", { class: "chart" });
  const path = `api/v1/nodes/${kind}/${encodeURIComponent(code)}/balances?period=${day}&format=csv`;
  const own = source.alarms.filter((alarm) => [code, node?.facility].includes(alarm.object));
  const title = node?.facility && node.facility !== code ? source.nodes.get(`facility/${node.facility}`)?.name : node?.name;
  dialog.replaceChildren(
    make("header", {}, make("h2", {}, word("day_of", `${title ?? code} · ${word(node?.unit_kind ?? kind)}`, day)),
      make("a", { href: path, download: true, class: "button" }, word("export")),
      make("button", { type: "button", onclick: () => dialog.close() }, word("close"))),
    chart,
    make("ul", {}, ...own.map((alarm) => make("li", {}, `${figures.moment(alarm.raised_at)} · ${word(alarm.type)} · ${word(alarm.priority)} · ${alarm.state}`))));
  dialog.showModal();
  try {
    const found = await source.day(kind, code, day);
    new DayChart(chart).show(columnsOf(found, energy));
  } catch (error) {
    chart.textContent = error.message;
  }
}
