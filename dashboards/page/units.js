// Units sorted by what needs a look: alarmed ones first, then by how far they are off, each with its last hours.

import { arrange, find, make, say } from "./dom.js";
import * as figures from "./figures.js";
import { ask, REGULARLY_MS } from "./source.js";
import { word } from "./words.js";

const SHOWN = 40;
const KEPT = 24;
export const SHORT = { generation: "gen", consumption: "cons", interchange: "exch" };
const RANK = { high: 3, medium: 2, low: 1 };
// Deviations of each unit as the page has seen them: code → Map(ts → Wh).
const seen = new Map();

export function deviationOf(node, state) {
  const short = SHORT[node?.unit_kind];
  const plan = state[`${short}_plan_wh`], fact = state[`${short}_fact_wh`];
  return fact === null || plan === null || fact === undefined || plan === undefined ? null : fact - plan;
}

const asked = new Set();

/** The last hours of a unit, once: what comes after it the live state tells. */
async function recall(code, node) {
  asked.add(code);
  try {
    const { data } = await ask(`nodes/unit/${encodeURIComponent(code)}/balances?period=PT6H`);
    for (const row of data) if (row.closed) remember(code, row, deviationOf(node, row));
  } catch {
    setTimeout(() => asked.delete(code), REGULARLY_MS);
  }
}

function remember(code, state, deviation) {
  if (!state.ts || deviation === null) return;
  if (!seen.has(code)) seen.set(code, new Map());
  const values = seen.get(code);
  values.set(Date.parse(state.ts), deviation);
  if (values.size > KEPT) values.delete(Math.min(...values.keys()));
}

/** The last deviations as steps around a middle line. */
function spark(code, size) {
  const values = [...(seen.get(code) ?? new Map()).entries()].sort(([a], [b]) => a - b).map(([, wh]) => wh);
  const most = Math.max(size * 0.1, ...values.map(Math.abs), 1);
  const points = values.flatMap((wh, i) => {
    const y = 10 - 9 * wh / most;
    return [`${(i + KEPT - values.length) * 4},${y}`, `${(i + 1 + KEPT - values.length) * 4},${y}`];
  });
  return make("svg:svg", { class: "spark", viewBox: `0 0 ${KEPT * 4} 20`, preserveAspectRatio: "none", "aria-hidden": "true" },
    make("svg:line", { class: "middle", x1: 0, x2: KEPT * 4, y1: 10, y2: 10 }),
    make("svg:polyline", { points: points.join(" "), fill: "none" }));
}

function ranked(source) {
  const called = new Map();
  for (const alarm of source.alarms ?? []) {
    if (!["UNACK", "ACKED", "LUNACK", "LACK", "RTNUN"].includes(alarm.state)) continue;
    // What is over waits for a hand in the list of alarms; its unit needs no look for that.
    if (!alarm.condition) continue;
    const rank = RANK[alarm.priority];
    called.set(`${alarm.object_kind}/${alarm.object}`, Math.max(rank, called.get(`${alarm.object_kind}/${alarm.object}`) ?? 0));
    for (const one of alarm.detail?.contributors ?? []) called.set(`unit/${one.unit}`, Math.max(0.5, called.get(`unit/${one.unit}`) ?? 0));
  }
  const rows = [];
  for (const [code, state] of Object.entries(source.states.unit ?? {})) {
    const node = source.nodes.get(`unit/${code}`);
    const deviation = deviationOf(node, state);
    remember(code, state, deviation);
    const rank = Math.max(called.get(`unit/${code}`) ?? 0, called.get(`facility/${node?.facility}`) ?? 0);
    rows.push({ code, node, state, deviation, rank });
  }
  rows.sort((a, b) => b.rank - a.rank || Math.abs(b.deviation ?? 0) - Math.abs(a.deviation ?? 0) || a.code.localeCompare(b.code));
  return rows.slice(0, SHOWN);
}

export function showUnits(source, choose) {
  const rows = new Map(ranked(source).map((row) => [row.code, row]));
  const place = find("#units .rows");
  arrange(place, [...rows.keys()], (code) => make("button", { type: "button", class: "unit", onclick: () => choose(code) },
    make("span", { class: "name" }), make("span", { class: "kind" }), make("span", { class: "fact figure" }),
    make("span", { class: "deviation figure" }), make("span", { class: "share figure" }), make("span", { class: "shape" })),
  (element, code) => {
    const { node, state, deviation } = rows.get(code);
    const short = SHORT[node?.unit_kind];
    const plan = state[`${short}_plan_wh`];
    element.classList.toggle("poor", state.completeness !== null && state.completeness < 1);
    say(find(".name", element), node?.facility && node.facility !== code ? source.nodes.get(`facility/${node.facility}`)?.name ?? code : node?.name ?? code);
    say(find(".kind", element), word(node?.unit_kind ?? ""));
    say(find(".fact", element), `${figures.power(state[`${short}_fact_wh`])} / ${figures.power(plan)}`);
    say(find(".deviation", element), deviation === null ? "–" : `${figures.power(deviation, { signed: true })} ${word("MW")}`);
    say(find(".share", element), state.completeness < 1 ? word("complete", figures.percent(state.completeness, { digits: 0 }))
      : plan ? figures.percent(deviation / Math.abs(plan), { signed: true }) : "");
    const draw = () => find(".shape", element).replaceChildren(spark(code, Math.abs(plan ?? 0)));
    draw();
    // Of which kind it is, its node says.
    if (node && !asked.has(code)) recall(code, node).then(draw);
  });
}
