// The bar that tells plainly how fresh the page is: live, replaying, in part old, stale or disconnected.

import { find, say } from "./dom.js";
import * as figures from "./figures.js";
import { word } from "./words.js";

// By the wall: without a word from the server the page is cut off; with one, the data's time may stand still.
const CUT_OFF_MS = 12_000;
const STALE_MS = 60_000;
// Data of another time than the wall's are shown, but never called live. Which that is the server says: the clock of
// the machine that shows the page may be wrong.
const BEHIND_MS = 20 * 60_000;
const AHEAD_MS = 2 * 60_000;
const ANEW_MS = 3600_000;
const SPEED_MS = 3000;
const QUESTIONS = { states: "figures", alarms: "alarms", silent: "silent", day: "chart", nodes: "names", me: "rights" };
// Where what they ask for is shown.
const PANELS = { states: ["system", "zones", "units"], alarms: ["alarms"], silent: ["silent"], day: ["day"] };
// Times of the data and when they were heard, to tell how fast they go.
const heard = [];

export function hear(status) {
  const now = status.now && Date.parse(status.now);
  if (!now) return;
  const last = heard.at(-1);
  // States and status come by two ways, so one may be a little older; another replay begins anew.
  if (last && now < last.now && last.now - now < ANEW_MS) return;
  if (last && now < last.now) heard.length = 0;
  if (!last || now !== last.now) heard.push({ now, at: performance.now() });
  if (heard.length > 12) heard.shift();
}

function span(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return word("seconds", seconds);
  if (seconds < 120 * 60) return word("minutes_long", Math.round(seconds / 60));
  if (seconds < 48 * 3600) return word("hours_long", Math.round(seconds / 3600));
  return word("days_long", Math.round(seconds / 86400));
}

/** One of: {name, words}; the worst first. */
function judge(source) {
  const silence = performance.now() - source.heardAt;
  if (!source.heardAt) return ["waiting", word("waiting")];
  if (!source.connected || silence > CUT_OFF_MS) return ["disconnected", word("disconnected", span(silence))];
  if (source.status.database === false) return ["stale", word("no_database")];
  const last = heard.at(-1);
  const still = last ? performance.now() - last.at : 0;
  if (still > STALE_MS) return ["stale", word("stale", span(still))];
  const failing = Object.keys(QUESTIONS).filter((name) => source.failing.has(name));
  if (failing.length) {
    const longest = performance.now() - Math.min(...failing.map((name) => source.failing.get(name)));
    return ["partial", word("partial", span(longest), failing.map((name) => word(QUESTIONS[name])).join(", "))];
  }
  if (!last || source.alarms === null || source.silent === null) return ["waiting", word("waiting")];
  const late = source.status.redis === false ? ` · ${word("no_redis")}` : "";
  const first = heard[0];
  const speed = heard.length > 2 ? (last.now - first.now) / (last.at - first.at) : 1;
  if (speed > 3) return ["replaying", word("replaying", Math.round(speed)) + late];
  const behind = source.wall - last.now;
  // A replay shows as one by its speed, which takes some changes.
  if (Math.abs(behind) > BEHIND_MS && performance.now() - first.at < SPEED_MS) return ["waiting", word("waiting")];
  if (behind > BEHIND_MS) return ["behind", word("behind", span(behind)) + late];
  if (behind < -AHEAD_MS) return ["ahead", word("ahead", span(-behind)) + late];
  return [late ? "slow" : "live", word("live") + late];
}

export function showState(source) {
  const [name, words] = judge(source);
  document.documentElement.dataset.state = name;
  say(find("#state"), words);
  for (const [name, panels] of Object.entries(PANELS)) {
    for (const panel of panels) find(`#${panel}`).classList.toggle("old", source.failing.has(name));
  }
  const last = heard.at(-1);
  say(find("#clock"), last ? `${figures.date(last.now)}  ${figures.clock(last.now)}` : "");
}
