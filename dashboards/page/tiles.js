// The system's four figures and the zones': fact, plan, deviation, and the hour projected.

import { find, make, say } from "./dom.js";
import * as figures from "./figures.js";
import { word } from "./words.js";

const KINDS = [["generation", "gen"], ["consumption", "cons"], ["interchange", "exch"]];
// Of a node's size; a deviation beyond it fills the bar.
const FULL_BAR = 0.1;

const between = (value, least, most) => Math.min(Math.max(value, least), most);

/** A bar from the middle: how much of ±10 % of `size` a deviation is. */
function bar(deviation, size) {
  const share = size ? between(deviation / (FULL_BAR * size), -1, 1) : 0;
  const width = Math.abs(share) * 50;
  return make("svg:svg", { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    make("svg:rect", { class: "track", width: 100, height: 6 }),
    make("svg:rect", { class: share < 0 ? "under" : "over", x: share < 0 ? 50 - width : 50, width, height: 6 }),
    make("svg:rect", { class: "middle", x: 49.6, width: 0.8, height: 6 }));
}

/** `aside`: what stands beside the title; `lines`: name, value, unit, and what it says when one points at it. */
function tile(title, fact, aside, lines, shape) {
  return make("article", { class: "tile" },
    make("h3", {}, title, make("span", { class: "aside figure" }, aside)),
    make("p", { class: "fact figure" }, fact, make("small", {}, ` ${word("MW")}`)),
    shape, make("dl", {}, ...lines.flatMap(([name, value, unit, says]) => [
      make("dt", { title: says }, name), make("dd", { class: "figure" }, value, make("small", {}, ` ${unit}`)),
    ])));
}

function tileOf(state, [name, short]) {
  const plan = state[`${short}_plan_wh`], fact = state[`${short}_fact_wh`];
  const deviation = fact === null || plan === null ? null : fact - plan;
  const share = plan && deviation !== null ? figures.percent(deviation / Math.abs(plan), { signed: true }) : "";
  const hour = state[`hour_${short}_persist_wh`], planned = state[`hour_${short}_plan_wh`];
  const ahead = hour === null || planned === null ? null : hour - planned;
  return tile(word(name), figures.power(fact), share, [
    [word("plan"), figures.power(plan), word("MW")],
    [word("deviation"), figures.power(deviation, { signed: true }), word("MW")],
    [word("hour_end"), figures.energy(ahead, { signed: true }), word("MWh"),
      word("hour_says", figures.energy(hour), figures.energy(planned))],
  ], bar(deviation ?? 0, Math.abs(plan ?? 0)));
}

function sideOf(wh) {
  return !wh ? "" : word(wh > 0 ? "deficit" : "surplus");
}

function imbalanceTile(state) {
  const size = Math.abs(state.cons_plan_wh ?? state.gen_plan_wh ?? 0);
  return tile(word("imbalance"), figures.power(state.imbalance_wh, { signed: true }), "", [
    [word("sense"), sideOf(state.imbalance_wh), ""],
    [word("data"), figures.percent(state.completeness, { digits: 0 }), ""],
    [word("hour_end"), figures.energy(state.hour_imbalance_persist_wh, { signed: true }), word("MWh")],
  ], bar(state.imbalance_wh ?? 0, size));
}

export function showSystem(source) {
  const state = source.states.system?.system;
  if (!state) return;
  find("#system .tiles").replaceChildren(...KINDS.map((kind) => tileOf(state, kind)), imbalanceTile(state));
  const end = state.ts && new Date(Date.parse(state.ts) + 900e3);
  say(find("#system h2"), `${word("system")} · ${state.ts ? word("interval", figures.time(state.ts), figures.time(end)) : word("no_interval")}`);
}

export function showZones(source, choose) {
  const states = source.states.zone ?? {};
  const head = ["zone", "generation", "consumption", "imbalance", "hour"];
  const deviation = (state, short) => {
    const fact = state[`${short}_fact_wh`], plan = state[`${short}_plan_wh`];
    return figures.power(fact === null || plan === null ? null : fact - plan, { signed: true });
  };
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((name, i) => make("th", { scope: "col" },
      word(name), i === 0 ? "" : make("small", {}, i === 4 ? ` ${word("MWh")}` : i < 3 ? ` Δ ${word("MW")}` : ` ${word("MW")}`))))),
    make("tbody", {}, ...Object.keys(states).sort().map((code) => {
      const state = states[code];
      return make("tr", {},
        make("th", { scope: "row" }, make("button", { type: "button", class: "plain", onclick: () => choose("zone", code) },
          source.nodes.get(`zone/${code}`)?.name ?? code)),
        make("td", { class: "figure" }, deviation(state, "gen")),
        make("td", { class: "figure" }, deviation(state, "cons")),
        make("td", { class: "figure" }, figures.power(state.imbalance_wh, { signed: true })),
        make("td", { class: "figure" }, figures.energy(state.hour_imbalance_persist_wh, { signed: true })));
    })));
  find("#zones .rows").replaceChildren(table);
}

