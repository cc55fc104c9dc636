// Language and colours: chosen on the page or in its address (?lang=, ?theme=), and kept.

import { find, say } from "./dom.js";
import { language, setLanguage, word } from "./words.js";

const dark = () => document.documentElement.dataset.theme === "dark";

/** Let both be chosen; `changed` is called after each choice. */
export function letChoose(changed) {
  const asked = new URLSearchParams(location.search);
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  setLanguage(asked.get("lang") ?? localStorage.getItem("tengerim.language") ?? "ru");
  document.documentElement.dataset.theme = asked.get("theme") ?? localStorage.getItem("tengerim.theme") ?? system;
  find("#language").addEventListener("change", (event) => {
    localStorage.setItem("tengerim.language", event.target.value);
    setLanguage(event.target.value);
    changed();
  });
  find("#theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    localStorage.setItem("tengerim.theme", document.documentElement.dataset.theme);
    changed();
  });
}

/** Every text that stands in the page itself, in the language chosen. */
export function showLooks() {
  document.querySelectorAll("[data-word]").forEach((element) => say(element, word(element.dataset.word)));
  find("#language").value = language();
  say(find("#theme"), word(dark() ? "light" : "dark"));
}
