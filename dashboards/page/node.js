// One node's day on a click: its chart with the limits around the plan, its data, versions and alarms, its export.

import { find, make, say } from "./dom.js";
import { columnsOf, DayChart } from "./day.js";
import * as figures from "./figures.js";
import { SHORT } from "./units.js";
import { word } from "./words.js";

const DAY_MS = 86400e3;
const AGAIN_MS = 3000;
const ENERGIES = { gen: "generation", cons: "consumption", exch: "interchange" };

/** The day before or after one, as YYYY-MM-DD. */
const shifted = (day, days) => new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);

export function nameOf(source, kind, code) {
  const node = source.nodes.get(`${kind}/${code}`);
  const facility = kind === "unit" && node?.facility !== code ? source.nodes.get(`facility/${node?.facility}`) : null;
  return facility?.name ?? node?.name ?? code;
}

/** What of the day came, a cell an interval, from its begin to its end. */
function strip({ balances, begin, end }) {
  const cells = balances.filter((row) => row.closed).map((row) => {
    const kind = row.completeness >= 1 ? "there" : row.completeness > 0 ? "some" : "missing";
    const low = kind === "missing";
    return make("svg:rect", { class: kind, x: (Date.parse(row.ts) / 1000 - begin) / 900, width: 0.85, y: low ? 6 : 0, height: low ? 4 : 10 });
  });
  return make("svg:svg", { class: "strip", viewBox: `0 0 ${(end - begin) / 900} 10`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...cells);
}

/** The day in words: energy planned and come so far, and how much of the data is there. */
function totals({ balances, plan }, energy) {
  const closed = balances.filter((row) => row.closed);
  const sum = (rows, name) => rows.reduce((whole, row) => whole + (row[name] ?? 0), 0);
  const fact = sum(closed, `${energy}_fact_wh`), so_far = sum(closed, `${energy}_plan_wh`);
  const lines = [
    [word("day_plan"), `${figures.energy(sum(plan, `${energy}_plan_wh`))} ${word("MWh")}`],
    [word("day_fact"), `${figures.energy(fact)} ${word("MWh")}`],
    [word("deviation"), `${figures.energy(fact - so_far, { signed: true })} ${word("MWh")}`],
    [word("data"), closed.length ? figures.percent(sum(closed, "completeness") / closed.length, { digits: 0 }) : "–"],
  ];
  return lines.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { class: "figure" }, value)]);
}

/** Which versions of the daily schedule are in force, and from which hour. */
function versions({ plan }) {
  const found = [];
  for (const { ts, schedule_version: version } of plan) if (found.at(-1)?.version !== version) found.push({ ts, version });
  return found.length ? found.map(({ ts, version }) => word("version", version, figures.time(ts))).join(" · ") : word("no_plan");
}

function alarmsOf(source, kind, code, facility, open) {
  if (!source.alarms) return [make("li", {}, word("waiting"))];
  const objects = [`${kind}/${code}`, `facility/${facility}`];
  const own = source.alarms.filter((alarm) => objects.includes(`${alarm.object_kind}/${alarm.object}`));
  return own.map((alarm) => make("li", {}, make("button", { type: "button", class: "plain", onclick: () => open(alarm) },
    `${figures.moment(alarm.raised_at ?? alarm.changed_at)} · ${word(alarm.type)} · ${word(alarm.priority)} · ${word(alarm.state)}`)));
}

/** Open a day of a node; `open` is told of an alarm that somebody wants to see. */
export async function openNode(source, kind, code, day, open) {
  const dialog = find("#node");
  const node = source.nodes.get(`${kind}/${code}`);
  const energy = SHORT[node?.unit_kind] ?? Object.keys(ENERGIES).find((short) => (source.states[kind]?.[code]?.[`${short}_plan_wh`] ?? null) !== null) ?? "gen";
  const chart = make("div", { class: "chart" }), data = make("div", { class: "data" });
  const facts = make("dl", { class: "totals" }), said = make("p", { class: "versions" });
  const path = `api/v1/nodes/${kind}/${encodeURIComponent(code)}/balances?period=${day}&format=csv`;
  const other = (days, sign, name) => make("button", {
    type: "button", "aria-label": word(name), title: word(name), onclick: () => openNode(source, kind, code, shifted(day, days), open),
  }, sign);
  dialog.setAttribute("aria-labelledby", "node-title");
  dialog.replaceChildren(
    make("header", {},
      make("h2", { id: "node-title" }, word("day_of", `${nameOf(source, kind, code)} · ${word(ENERGIES[energy])}`, figures.date(`${day}T12:00:00+05:00`))),
      other(-1, "‹", "day_before"), other(1, "›", "day_after"),
      make("a", { href: path, download: true, class: "button" }, word("export")),
      make("button", { type: "button", onclick: () => dialog.close() }, word("close"))),
    facts, chart, data, said,
    make("ul", {}, ...alarmsOf(source, kind, code, node?.facility, (alarm) => { dialog.close(); open(alarm); })));
  if (!dialog.open) dialog.showModal();

  async function fill() {
    try {
      const found = await source.day(kind, code, day);
      chart.replaceChildren();
      new DayChart(chart).show(columnsOf(found, energy));
      data.replaceChildren(strip(found));
      facts.replaceChildren(...totals(found, energy));
      say(said, versions(found));
    } catch (error) {
      say(chart, error.message);
      // While somebody looks at it: what is away comes back.
      setTimeout(() => chart.isConnected && dialog.open && fill(), AGAIN_MS);
    }
  }
  await fill();
}
