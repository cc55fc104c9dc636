// The public page: the load of the system, plan and fact of an operating day, and nothing else.

import { columnsOf, DayChart } from "./day.js";
import { find, say } from "./dom.js";
import * as figures from "./figures.js";
import { letChoose, showLooks } from "./looks.js";
import { word } from "./words.js";

const LOOK_MS = 60_000;
const ANSWER_MS = 20_000;
const FAILED = { refused: "login_refused", away: "login_away" };

// Strangers get this page at the root only where they may log in; at its own address the profile says whether they may.
const AT_ROOT = location.pathname.endsWith("/");

const chart = new DayChart(find("#day .chart"));
let found = null;
// When the server answered last, and whether it did when it was asked last; before its first answer, when it was asked.
let answeredAt = Date.now();
let answers = true;

async function look() {
  try {
    const answer = await fetch("api/v1/public/profile", { signal: AbortSignal.timeout(ANSWER_MS) });
    answers = answer.status < 500 && answer.status !== 429;
    if (answer.ok) found = await answer.json();
  } catch {
    // What was shown stands until the server is there again.
    answers = false;
  }
  if (answers) answeredAt = Date.now();
  show();
}

function show() {
  const { data = [] } = found ?? {};
  const last = data.findLast((row) => row.cons_fact_wh !== null);
  say(find("#day h2"), word("load_of", found ? figures.date(`${found.day}T12:00:00+05:00`) : "…"));
  const at = last && new Date(Date.parse(last.ts) + 900e3);
  say(find("#figures"), last
    ? `${word("interval", figures.time(last.ts), figures.time(at))}: ${word("fact")} ${figures.power(last.cons_fact_wh)} ${word("MW")}, ${word("plan")} ${figures.power(last.cons_plan_wh)} ${word("MW")}`
    : word(found ? "no_profile" : "waiting"));
  const failed = FAILED[new URLSearchParams(location.search).get("login")];
  const said = [failed && word(failed), !answers && word("not_asked", figures.moment(answeredAt))];
  say(find("#said"), said.filter(Boolean).join(" · "));
  find("#login").hidden = !(AT_ROOT || found?.login);
  if (!found) return;
  const seconds = (text) => Date.parse(text) / 1000;
  chart.show(columnsOf({ balances: data, plan: found.plan, begin: seconds(found.begin), end: seconds(found.end) }, "cons"));
}

function showAll() {
  showLooks();
  const asked = new URLSearchParams(location.search);
  if (asked.has("alarm")) find("#login").href = `login?alarm=${encodeURIComponent(asked.get("alarm"))}`;
  chart.draw();
  show();
}

letChoose(showAll);
showAll();
look();
setInterval(look, LOOK_MS);
