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
import { AGAIN_MS, REGULARLY_MS, Source } from "./source.js";
import { showSystem, showZones } from "./tiles.js";
import { showUnits } from "./units.js";
import { language, word } from "./words.js";

const LOOK_MS = 500;
const ENERGIES = [["gen", "generation"], ["cons", "consumption"], ["exch", "interchange"], ["imbalance", "imbalance"]];

const source = new Source();
const chart = new DayChart(find("#day .chart"));
const shown = { kind: "system", node: "system", energy: "gen", found: null };

/** What is known of the node shown, but for the time: where it is another, its day may be. */
const stateShown = () => JSON.stringify({ ...source.states[shown.kind]?.[shown.node], now: null });
const operatingDay = () => {
  const state = source.states.system?.system;
  return state ? figures.operatingDay(state.ts ?? state.now) : null;
};

let read = { what: "", state: "", at: 0 };
let reading = "";

/** Read the day of the chosen node where it may be another than the one shown; and regularly, for what came late for an
    earlier interval the live state does not tell. */
async function readDay() {
  const { kind, node } = shown;
  const day = operatingDay(), state = stateShown(), what = `${kind}/${node}/${day}`;
  if (!day || reading === what) return;
  if (read.what === what && performance.now() - read.at < (read.state === state ? REGULARLY_MS : AGAIN_MS)) return;
  reading = what;
  const found = await source.day(kind, node, day).catch(() => null);
  // Another may have been chosen meanwhile, and been quicker.
  if (reading !== what) return;
  reading = "";
  read = { what, state: found && state, at: performance.now() };
  source.note("day", found !== null);
  if (!found) return;
  shown.found = { kind, node, day, ...found };
  showDay();
}

function showDay() {
  if (!shown.found) {
    say(find("#day h2"), `${word("system")} · ${word("plan")}`);
    return;
  }
  const { kind, node, day } = shown.found;
  const name = kind === "system" ? word("system") : nameOf(source, kind, node);
  say(find("#day h2"), `${word("day_of", name, figures.date(`${day}T12:00:00+05:00`))}, ${word("MW")}`);
  chart.show(columnsOf(shown.found, shown.energy));
}

function choose(kind, node) {
  Object.assign(shown, { kind, node });
  choices();
  readDay();
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
  setInterval(() => { showState(source); readDay(); }, LOOK_MS);
  showAll();
  source.start();
}

begin();
