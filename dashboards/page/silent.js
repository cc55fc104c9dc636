// Who is silent, since when, and what came of late: one cell an interval of the last hours.

import { arrange, find, make, say } from "./dom.js";
import * as figures from "./figures.js";
import { word } from "./words.js";

function strip(row) {
  const cells = row.present.map((present, i) => {
    const late = present !== null && row.on_time[i] < present;
    const kind = present === null ? "none" : present === 0 ? "missing" : present < 100 ? "some" : late ? "late" : "there";
    return make("svg:rect", { class: kind, x: i, width: 0.85, y: kind === "missing" ? 6 : 0, height: kind === "missing" ? 4 : 10 });
  });
  return make("svg:svg", { class: "strip", viewBox: `0 0 ${row.present.length} 10`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...cells);
}

export function showSilent(source) {
  const rows = new Map((source.silent ?? []).map((row) => [row.dctu, row]));
  arrange(find("#silent .rows"), rows.size ? [...rows.keys()] : ["nothing"],
    (key) => (key === "nothing" ? make("p", { class: "nothing" }) : make("article", { class: "device" },
      make("span", { class: "name" }), make("span", { class: "when figure" }), make("span", { class: "shape" }))),
    (element, key) => {
      const row = rows.get(key);
      if (!row) return say(element, word(source.silent ? "nobody_silent" : "waiting"));
      element.classList.toggle("healed", row.healed_at !== null);
      say(find(".name", element), `${row.dctu} · ${row.facility_name ?? ""}`);
      say(find(".when", element), row.healed_at ? word("healed", figures.moment(row.healed_at)) : word("since", figures.moment(row.since)));
      return find(".shape", element).replaceChildren(strip(row));
    });
  const open = source.silent?.filter((row) => row.healed_at === null).length;
  say(find("#silent h2"), [word("silent"), open].filter((part) => part !== undefined).join(" · "));
}
