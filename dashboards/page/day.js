// A chart of an operating day: plan as steps over the whole of it, fact growing.

import uPlot from "./vendor/uPlot.js";
import * as figures from "./figures.js";
import { word } from "./words.js";

const QUARTER = 900;
const quarter = (wh) => (wh === null || wh === undefined ? null : wh / 4);
const MW = (wh) => (wh === null || wh === undefined ? null : wh * 4 / 1e6);

/** Columns of a kind ("gen", "cons", "exch" or "imbalance"), in MW: times, plan, fact, and the band around the plan
    within which nobody is called; the day is as long as it is. */
export function columnsOf({ balances, plan, begin, end }, kind) {
  const facts = new Map(balances.filter((row) => row.closed).map((row) => [Date.parse(row.ts) / 1000, row]));
  const plans = new Map(plan.map((row) => [Date.parse(row.ts) / 1000, row]));
  const times = [], planned = [], fact = [], low = [], high = [];
  for (let at = begin; at <= end; at += QUARTER) {
    const row = facts.get(at);
    const hour = plans.get(at - at % 3600);
    const middle = kind === "imbalance" ? 0 : MW(row?.[`${kind}_plan_wh`] ?? quarter(hour?.[`${kind}_plan_wh`]));
    const limit = MW(quarter(hour?.[`${kind}_limit_wh`]));
    times.push(at);
    planned.push(middle);
    fact.push(row ? MW(kind === "imbalance" ? row.imbalance_wh : row[`${kind}_fact_wh`]) : null);
    low.push(limit === null || middle === null ? null : middle - limit);
    high.push(limit === null || middle === null ? null : middle + limit);
  }
  // A step needs an end.
  for (const column of [planned, low, high]) if (column.at(-1) === null && column.length > 1) column[column.length - 1] = column.at(-2);
  const last = fact.findLastIndex((value) => value !== null);
  if (last >= 0 && last + 1 < fact.length) fact[last + 1] = fact[last];
  return [times, planned, fact, low, high];
}

const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class DayChart {
  #chart = null;
  #place;
  #data = null;

  constructor(place) {
    this.#place = place;
    new ResizeObserver(() => this.#chart?.setSize(this.#size())).observe(place);
  }

  show(data) {
    this.#data = data;
    if (this.#chart) this.#chart.setData(data);
    else this.draw();
  }

  /** Draw anew: other colours, another language. */
  draw() {
    this.#chart?.destroy();
    if (!this.#data) return;
    const steps = uPlot.paths.stepped({ align: 1 });
    const axis = {
      stroke: color("--text-soft"), font: `${0.75 * rem()}px system-ui`, grid: { stroke: color("--line"), width: 1 }, ticks: { show: false },
    };
    const value = (_, mw) => (mw === null || mw === undefined ? "–" : `${figures.megawatts(mw)} ${word("MW")}`);
    this.#chart = new uPlot({
      ...this.#size(),
      padding: [null, 2 * rem(), null, null],
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Asia/Almaty"),
      scales: { y: { range: (_, low, high) => uPlot.rangeNum(low ?? 0, high ?? 1, 0.1, true) } },
      axes: [
        { ...axis, size: 2 * rem(), values: (_, times) => times.map((at) => figures.time(at * 1000)), space: 4 * rem() },
        { ...axis, size: 4 * rem(), values: (_, ticks) => ticks.map((mw) => figures.megawatts(mw).replace(/[.,]0$/, "")) },
      ],
      series: [
        { label: word("start"), value: (_, at) => (at === null || at === undefined ? "" : figures.time(at * 1000)) },
        { label: word("plan"), stroke: color("--plan"), width: 0.11 * rem(), dash: [0.45 * rem(), 0.23 * rem()], paths: steps, points: { show: false }, value },
        { label: word("fact"), stroke: color("--fact"), width: 0.19 * rem(), paths: steps, points: { show: false }, value },
        { label: "", paths: steps, points: { show: false } },
        { label: "", paths: steps, points: { show: false } },
      ],
      bands: [{ series: [4, 3], fill: color("--band") }],
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    }, this.#data, this.#place);
  }

  #size() {
    const { width, height } = this.#place.getBoundingClientRect();
    return { width: Math.max(200, Math.floor(width)), height: Math.max(80, Math.floor(height - 2.2 * rem())) };
  }
}
