// The alarm list as ISA-18.2 means it: who asks for somebody first, flashing until acknowledged, suppressed apart.

import { measure, overOf } from "./alarm.js";
import { arrange, find, letWalk, make, say } from "./dom.js";
import * as figures from "./figures.js";
import { nameOf } from "./node.js";
import { ask } from "./source.js";
import { word } from "./words.js";

const SUPPRESSED = ["SHLVD", "DSUPR", "OOSRV"];
const UNANSWERED = ["UNACK", "RTNUN", "LUNACK"];
const SHAPES = { high: "M8 1 15 8 8 15 1 8Z", medium: "M8 2 15 14H1Z", low: "M3 3H13V13H3Z" };
const MARKS = { high: "1", medium: "2", low: "3" };
const MOST_ORDERED = 500;
const MOST_SAID = 5;
const chosen = new Set();

function shape(priority) {
  return make("svg:svg", { class: `priority ${priority}`, viewBox: "0 0 16 16", role: "img", "aria-label": word(priority) },
    make("svg:path", { d: SHAPES[priority] }), make("svg:text", { x: 8, y: 11.5, "text-anchor": "middle" }, MARKS[priority]));
}

function remark(alarm) {
  if (alarm.shelved_until) return word("shelved_until", figures.moment(alarm.shelved_until));
  if (alarm.suppressed_by || alarm.out_of_service) return alarm.suppressed_by ?? alarm.out_of_service;
  if (alarm.acked_by) return word("acked_by", alarm.acked_by);
  if (!alarm.condition) return word(overOf(alarm));
  // It ends only beyond its deadband, or after a while.
  if (alarm.value !== null && alarm.limit_value !== null && Math.abs(alarm.value) < alarm.limit_value) return word("within");
  return alarm.escalated ? word("escalated") : "";
}

function create(key, source, open) {
  return make("article", { class: "alarm" },
    make("input", { type: "checkbox", onchange: (event) => {
      if (event.target.checked) chosen.add(Number(key));
      else chosen.delete(Number(key));
      tools(source);
    } }),
    make("span", { class: "shape" }),
    make("button", { type: "button", class: "plain what", onclick: () => open(Number(key)) }),
    make("span", { class: "when figure" }), make("span", { class: "type" }), make("span", { class: "value figure" }), make("span", { class: "remark" }));
}

function update(element, alarm, source) {
  const name = nameOf(source, alarm.object_kind, alarm.object);
  element.className = `alarm ${alarm.priority} ${alarm.state}${UNANSWERED.includes(alarm.state) ? " unanswered" : ""}${alarm.state === "UNACK" || alarm.state === "LUNACK" ? " flashing" : ""}`;
  const box = find("input", element);
  box.checked = chosen.has(alarm.alarm_id);
  box.setAttribute("aria-label", `${word(alarm.type)}: ${name}`);
  const mark = find(".shape", element);
  if (mark.dataset.of !== alarm.priority + document.documentElement.lang) {
    mark.dataset.of = alarm.priority + document.documentElement.lang;
    mark.replaceChildren(shape(alarm.priority));
  }
  say(find(".what", element), name);
  find(".what", element).setAttribute("aria-label", `${name}: ${word(alarm.type)}, ${word(alarm.priority)}, ${word(alarm.state)}`);
  say(find(".type", element), word(alarm.type));
  say(find(".value", element), measure(alarm));
  say(find(".when", element), figures.moment(alarm.raised_at));
  say(find(".remark", element), remark(alarm));
}

let askFor = () => {};

function tools(source) {
  const alarms = source.alarms ?? [];
  const known = new Set(alarms.map((alarm) => alarm.alarm_id));
  for (const number of chosen) if (!known.has(number)) chosen.delete(number);
  find("#alarms").classList.toggle("read-only", source.me.orders.length === 0);
  const over = alarms.some((alarm) => chosen.has(alarm.alarm_id) && !alarm.condition);
  const order = (name, needs) => source.me.orders.includes(name) && make("button", {
    type: "button", disabled: chosen.size === 0 || (name === "reset" && !over), onclick: () => askFor(name, needs, [...chosen]),
  }, word({ acknowledge: "ack" }[name] ?? name));
  const standing = alarms.filter((alarm) => !SUPPRESSED.includes(alarm.state)).map((alarm) => alarm.alarm_id);
  const whole = make("input", { type: "checkbox", "aria-label": word("all"), onchange: (event) => {
    chosen.clear();
    if (event.target.checked) standing.forEach((number) => chosen.add(number));
    showAlarms(source);
  } });
  whole.checked = standing.length > 0 && standing.every((number) => chosen.has(number));
  find("#alarms .tools").replaceChildren(...[whole,
    order("acknowledge", []), order("reset", []), order("shelve", ["minutes", "reason"]), order("unshelve", []), order("comment", ["reason"]),
    make("span", {}, chosen.size ? word("chosen", chosen.size) : "")].filter(Boolean));
}

let opened = () => {};

export function showAlarms(source) {
  const place = find("#alarms .rows");
  const found = source.alarms ?? [];
  const alarms = new Map(found.map((alarm) => [String(alarm.alarm_id), alarm]));
  const standing = found.filter((alarm) => !SUPPRESSED.includes(alarm.state));
  const apart = found.filter((alarm) => SUPPRESSED.includes(alarm.state));
  const keys = [
    ...(standing.length ? standing.map((alarm) => String(alarm.alarm_id)) : ["nothing"]),
    ...(apart.length ? ["apart", ...apart.map((alarm) => String(alarm.alarm_id))] : []),
  ];
  arrange(place, keys,
    (key) => (alarms.has(key) ? create(key, source, (number) => opened(number)) : make(key === "apart" ? "h3" : "p", { class: key })),
    (element, key) => {
      if (key === "nothing") say(element, word(source.alarms ? "nothing" : "waiting"));
      else if (key === "apart") say(element, word("suppressed", apart.length));
      else update(element, alarms.get(key), source);
    });
  const calling = standing.filter((alarm) => UNANSWERED.includes(alarm.state)).length;
  say(find("#alarms h2"), standing.length ? `${word("alarms")} ${standing.length} · ${word("unanswered", calling)}` : word("alarms"));
  tools(source);
}

/** Let orders be given; `open` is told the number of the alarm that somebody looks at. */
export function letOrder(source, open) {
  opened = open;
  letWalk(find("#alarms .rows"), ".what", (row) => find("input", row.parentElement).click());
  const dialog = find("#order");
  askFor = (name, needs, numbers) => {
    const who = make("input", { name: "actor", required: true, maxlength: 200, value: localStorage.getItem("tengerim.actor") ?? "" });
    const label = (text, input) => make("label", {}, make("span", {}, text), input);
    const form = make("form", { method: "dialog", onsubmit: (event) => {
      event.preventDefault();
      localStorage.setItem("tengerim.actor", who.value);
      dialog.close();
      send(Object.fromEntries(new FormData(form)));
    } },
    make("h2", {}, `${word({ acknowledge: "ack" }[name] ?? name)} · ${word("chosen", numbers.length)}`),
    !source.me.asked && label(word("who"), who),
    needs.includes("minutes") && label(word("minutes"), make("input", { name: "minutes", type: "number", min: 1, max: 43200, value: 60, required: true })),
    label(word(name === "comment" ? "comment" : "reason"), make("input", { name: "reason", maxlength: 2000, required: needs.includes("reason") })),
    make("div", { class: "buttons" },
      make("button", { type: "button", onclick: () => dialog.close() }, word("cancel")),
      make("button", { type: "submit", class: "main" }, word("send"))));
    dialog.replaceChildren(form);
    dialog.showModal();

    async function send({ actor, reason, minutes }) {
      const said = find("#said");
      const given = { order: name, actor, reason, ...(minutes ? { minutes: Number(minutes) } : {}) };
      const refused = new Set();
      try {
        for (let first = 0; first < numbers.length; first += MOST_ORDERED) {
          const alarms = numbers.slice(first, first + MOST_ORDERED);
          const answers = await ask("orders", {
            method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...given, alarms }),
          });
          alarms.forEach((number) => chosen.delete(number));
          for (const { done, answer } of answers) if (done !== true) refused.add(done === null ? word("no_answer") : answer);
        }
        say(said, [...refused].slice(0, MOST_SAID).join("; ") + (refused.size > MOST_SAID ? " …" : ""));
      } catch (error) {
        say(said, error.message);
      }
      setTimeout(() => say(said, ""), 15000);
      showAlarms(source);
    }
  };
}
