// One alarm: how far it is from its limit, what to do about it, and what happened to it.

import { find, make } from "./dom.js";
import * as figures from "./figures.js";
import { nameOf } from "./node.js";
import { ask } from "./source.js";
import { language, word } from "./words.js";

/** A value of an alarm with its unit. */
export function amount(alarm, name, signed = false) {
  const value = alarm[name];
  if (value === null) return "–";
  if (alarm.unit === "W") return `${figures.megawatts(value / 1e6, signed)} ${word("MW")}`;
  if (alarm.unit === "Wh") return `${figures.energy(value, { signed })} ${word("MWh")}`;
  return `${value} ${word(alarm.unit)}`;
}

/** Its value against its limit. What a trip has lost has no sign. */
export function measure(alarm) {
  const signed = ["W", "Wh"].includes(alarm.unit) && alarm.type !== "TRIP";
  return `${amount(alarm, "value", signed)}, ${word("limit", amount(alarm, "limit_value"))}`;
}

/** What to call it that its condition is no more: what a trip has taken is not back with that. */
export const overOf = ({ type }) => (type === "TRIP" ? "no_more_loss" : "over");

function entry({ at, type, event, actor, reason }) {
  const what = word(event === "clear" ? overOf({ type }) : event);
  return make("tr", {}, make("td", { class: "figure" }, figures.moment(at)), make("td", {}, what), make("td", {}, actor ?? ""), make("td", {}, reason ?? ""));
}

/** Open one by its number; `day` is told whose day somebody wants to see. */
export async function openAlarm(source, number, day) {
  const dialog = find("#alarm");
  const close = make("button", { type: "button", onclick: () => dialog.close() }, word("close"));
  dialog.replaceChildren(make("header", {}, make("h2", {}, word("waiting")), close));
  dialog.setAttribute("aria-label", word("alarms"));
  if (!dialog.open) dialog.showModal();
  try {
    const alarm = await ask(`alarms/${number}`);
    // Another may have been opened meanwhile.
    if (!close.isConnected) return;
    const { rule, journal, object_kind: kind, object } = alarm;
    const contributors = (alarm.detail?.contributors ?? []).map((one) => nameOf(source, "unit", one.unit));
    const lines = [
      [word("value"), measure(alarm)], [word("state"), word(alarm.state)], [word("called"), figures.moment(alarm.raised_at) || "–"],
      [word("cause"), contributors.join(", ")], [word("who"), alarm.acked_by], [word("reason"), alarm.suppressed_by ?? alarm.out_of_service],
    ].filter(([, value]) => value);
    const known = source.nodes.has(`${kind}/${object}`);
    dialog.replaceChildren(
      make("header", {},
        make("h2", {}, `${nameOf(source, kind, object)} · ${word(alarm.type)} · ${word(alarm.priority)}`),
        known && make("button", { type: "button", class: "main", onclick: () => {
          dialog.close();
          day(kind, object, figures.operatingDay(alarm.interval_start ?? alarm.raised_at ?? alarm.changed_at));
        } }, word("show_day")),
        close),
      make("p", { class: "response" }, make("strong", {}, `${word("to_do")}: `), rule.response[language()]),
      make("dl", { class: "totals" }, ...lines.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
      make("div", { class: "journal", tabindex: 0, role: "group", "aria-label": word("journal") },
        make("table", {}, make("tbody", {}, ...journal.toReversed().map(entry)))));
  } catch (error) {
    if (close.isConnected) dialog.replaceChildren(make("header", {}, make("h2", {}, error.message), close));
  }
}
