// Figures and instants as people read them. Energy comes in Wh of an interval of 15 minutes, instants as ISO 8601.

const ZONE = "Asia/Almaty";
// Not every browser knows Kazakh: its figures are written as Russian ones are, its months are named here.
const LOCALES = { kk: "ru-KZ", ru: "ru-KZ", en: "en-GB" };
const KAZAKH_MONTHS = [
  "қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан",
];
let kazakh = false;
let locale = LOCALES.ru;
const formats = new Map();

export function setLocale(language) {
  locale = LOCALES[language];
  kazakh = language === "kk";
  formats.clear();
}

function number(digits, signed) {
  const key = `${digits}${signed}`;
  if (!formats.has(key)) {
    const sign = signed ? "exceptZero" : "auto";
    formats.set(key, new Intl.NumberFormat(locale, {
      minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: sign,
    }));
  }
  return formats.get(key);
}

/** Mean power of an interval in MW: whole above 100, else one digit more. */
export function power(wh, { signed = false } = {}) {
  return wh === null || wh === undefined ? "–" : megawatts(wh * 4 / 1e6, signed);
}

export function megawatts(mw, signed = false) {
  return number(Math.abs(mw) < 99.95 ? 1 : 0, signed).format(Object.is(Math.round(mw * 10), -0) ? 0 : mw).replace("-", "−");
}

/** Energy of an hour, in MWh. */
export function energy(wh, { signed = false } = {}) {
  return wh === null || wh === undefined ? "–" : megawatts(wh / 1e6, signed);
}

export function percent(share, { signed = false, digits = 1 } = {}) {
  return Number.isFinite(share) ? `${number(digits, signed).format(share * 100).replace("-", "−")} %` : "";
}

function instant(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...options }));
  return formats.get(key);
}

const HOUR = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

export const time = (at) => at ? instant(HOUR).format(new Date(at)) : "";
export const clock = (at) => instant({ ...HOUR, second: "2-digit" }).format(new Date(at));

export function date(at) {
  if (!kazakh) return instant({ day: "numeric", month: "long", year: "numeric" }).format(new Date(at));
  const [year, month, day] = operatingDay(at).split("-").map(Number);
  return `${year} ж. ${day} ${KAZAKH_MONTHS[month - 1]}`;
}

export const moment = (at) => at ? instant({ day: "2-digit", month: "2-digit", ...HOUR }).format(new Date(at)) : "";

/** The operating day of an instant, as YYYY-MM-DD. */
export function operatingDay(at) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" }).format(new Date(at));
}
