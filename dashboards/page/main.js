// The page: wires what is known to what is shown.

import { openAlarm } from "./alarm.js";
import { letOrder, showAlarms } from "./alarms.js";
import { columnsOf, DayChart } from "./day.js";
import { find, letWalk, make, say } from "./dom.js";
import * as figures from "./figures.js";
import { hear, showState } from "./freshness.js";
import { letChoose, showLooks } from "./looks.js";
import { nameOf, openNode } from "./node.js";
import { showSilent } from "./silent.js";
import { Source } from "./source.js";
import { showSystem, showZones } from "./tiles.js";
import { showUnits } from "./units.js";
import { language, word } from "./words.js";

const LOOK_MS = 500;
const ENERGIES = [["gen", "generation"], ["cons", "consumption"], ["exch", "interchange"], ["imbalance", "imbalance"]];

const source = new Source();
const chart = new DayChart(find("#day .chart"));
const shown = { kind: "system", node: "system", energy: "gen", found: null, at: "" };

const stateShown = () => source.states[shown.kind]?.[shown.node];
const operatingDay = () => {
  const state = source.states.system?.system;
  return state ? figures.operatingDay(state.ts ?? state.now) : null;
};

/** Read the day of the chosen node, where its newest interval is another than the one shown. */
async function readDay(again = false) {
  const day = operatingDay();
  const at = `${shown.kind}/${shown.node}/${day}/${stateShown()?.ts}`;
  if (!day || (at === shown.at && !again)) return;
  shown.at = at;
  const { kind, node } = shown;
  try {
    const found = await source.day(kind, node, day);
    // Another may have been chosen meanwhile, and been quicker.
    if (shown.at !== at) return;
    shown.found = { kind, node, ...found };
    showDay();
  } catch {
    if (shown.at === at) shown.at = "";
  }
}

function showDay() {
  const day = operatingDay();
  if (!shown.found || !day) {
    say(find("#day h2"), `${word("system")} · ${word("plan")}`);
    return;
  }
  const { kind, node } = shown.found;
  const name = kind === "system" ? word("system") : nameOf(source, kind, node);
  say(find("#day h2"), `${word("day_of", name, figures.date(`${day}T12:00:00+05:00`))}, ${word("MW")}`);
  chart.show(columnsOf(shown.found, shown.energy));
}

function choose(kind, node) {
  Object.assign(shown, { kind, node });
  choices();
  readDay(true);
}

const showDayOf = (kind, code, day) => openNode(source, kind, code, day, (alarm) => showAlarm(alarm.alarm_id));
const showAlarm = (number) => openAlarm(source, number, showDayOf);
const units = () => showUnits(source, (code) => showDayOf("unit", code, operatingDay()));

let chosen = "";

function choices() {
  const now = JSON.stringify([language(), Object.keys(source.states.zone ?? {}), shown.kind, shown.node, shown.energy]);
  if (now === chosen) return;
  chosen = now;
  const nodes = [["system", "system"], ...Object.keys(source.states.zone ?? {}).sort().map((code) => ["zone", code])];
  const button = (text, pressed, act) => make("button", { type: "button", "aria-pressed": String(pressed), onclick: act }, text);
  find("#day .choices").replaceChildren(
    ...nodes.map(([kind, node]) => button(kind === "system" ? word("system") : node, shown.kind === kind && shown.node === node, () => choose(kind, node))),
    make("span", { class: "gap" }),
    ...ENERGIES.map(([short, name]) => button(word(name), shown.energy === short, () => {
      shown.energy = short;
      choices();
      showDay();
    })));
}

function showMe() {
  const { asked, name, role, entity } = source.me;
  find("#me").replaceChildren(...(asked ? [
    make("span", {}, [name, word(role), entity].filter(Boolean).join(" · ")),
    make("a", { href: "logout", class: "button" }, word("log_out")),
  ] : []));
}

function showAll() {
  showLooks();
  showMe();
  showState(source);
  showSystem(source);
  showZones(source, choose);
  units();
  showAlarms(source);
  showSilent(source);
  choices();
  chart.draw();
  showDay();
}

/** Open the alarm that the address names, as the links of notifications do. */
function follow() {
  const number = new URLSearchParams(location.search).get("alarm");
  if (number === null) return;
  history.replaceState(null, "", location.pathname);
  if (/^[1-9]\d{0,9}$/.test(number)) showAlarm(number);
}

function begin() {
  letChoose(showAll);
  letOrder(source, showAlarm);
  letWalk(find("#units .rows"), ".unit");
  source.addEventListener("nodes", () => { showZones(source, choose); units(); showAlarms(source); follow(); });
  source.addEventListener("states", () => {
    showSystem(source);
    showZones(source, choose);
    units();
    choices();
    readDay();
    hear({ now: source.states.system?.system?.now });
  });
  source.addEventListener("alarms", () => { showAlarms(source); units(); });
  source.addEventListener("me", () => { showMe(); showAlarms(source); });
  source.addEventListener("silent", () => showSilent(source));
  source.addEventListener("status", () => { hear(source.status); showState(source); });
  setInterval(() => showState(source), LOOK_MS);
  showAll();
  source.start();
}

begin();
