// The bar that tells plainly how fresh the page is: live, replaying, stale or disconnected.

import { find, say } from "./dom.js";
import * as figures from "./figures.js";
import { word } from "./words.js";

// By the wall: without a word from the server the page is cut off; with one, the data's time may stand still.
const CUT_OFF_MS = 12_000;
const STALE_MS = 60_000;
// Data of another time than the wall's are shown, but never called live.
const BEHIND_MS = 20 * 60_000;
const ANEW_MS = 3600_000;
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
  if (!last) return ["waiting", word("waiting")];
  const still = performance.now() - last.at;
  if (still > STALE_MS) return ["stale", word("stale", span(still))];
  const late = source.status.redis === false ? ` · ${word("no_redis")}` : "";
  const first = heard[0];
  const speed = heard.length > 2 ? (last.now - first.now) / (last.at - first.at) : 1;
  if (speed > 3) return ["replaying", word("replaying", Math.round(speed)) + late];
  const behind = Date.now() - last.now;
  if (behind > BEHIND_MS) return ["behind", word("behind", span(behind)) + late];
  return [late ? "slow" : "live", word("live") + late];
}

export function showState(source) {
  const [name, words] = judge(source);
  document.documentElement.dataset.state = name;
  say(find("#state"), words);
  const last = heard.at(-1);
  say(find("#clock"), last ? `${figures.date(last.now)}  ${figures.clock(last.now)}` : "");
}
