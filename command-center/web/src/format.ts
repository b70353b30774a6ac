/** Times, spans and numbers as people read them. Pure but for the language that is passed in. */
import type { Lang } from "./words";
import type { Name } from "./api/types";

/** The city's own time, whatever the browser's: operators speak of one clock. */
export const CITY_TIME_ZONE = "Asia/Shanghai";

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(lang: Lang, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = lang + JSON.stringify(options);
  let made = cache.get(key);
  if (!made) {
    const locale = lang === "zh" ? "zh-CN" : "en-GB";
    made = new Intl.DateTimeFormat(locale, { timeZone: CITY_TIME_ZONE, hourCycle: "h23", ...options });
    cache.set(key, made);
  }
  return made;
}

const HMS: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };

export function clock(time: number, lang: Lang): string {
  return formatter(lang, HMS).format(time);
}

export function hourMinute(time: number, lang: Lang): string {
  return formatter(lang, { hour: "2-digit", minute: "2-digit" }).format(time);
}

export function day(time: number, lang: Lang): string {
  return formatter(lang, { month: "short", day: "numeric", weekday: "short" }).format(time);
}

export function monthDay(time: number, lang: Lang): string {
  return formatter(lang, { month: "numeric", day: "numeric" }).format(time);
}

export function dateTime(time: number, lang: Lang): string {
  return `${formatter(lang, { year: "numeric", month: "2-digit", day: "2-digit" }).format(time)} ${clock(time, lang)}`;
}

/** The instant of a wall clock of the city, as in `2026-03-02T08:00`; null if it is none. The city has no summer time. */
export function cityTime(text: string): number | null {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) ? Date.parse(`${text}:00+08:00`) : NaN;
  return Number.isNaN(time) ? null : time;
}

/** The wall clock of the city at an instant, as a field for it takes it: `2026-03-02T08:00`. */
export function cityTimeText(time: number): string {
  return new Date(time + 8 * 3_600_000).toISOString().slice(0, 16);
}

const UNITS: [limit: number, size: number, zh: string, en: string][] = [
  [60, 1, "秒", "s"],
  [3_600, 60, "分钟", "min"],
  [86_400, 3_600, "小时", "h"],
  [Infinity, 86_400, "天", "d"],
];

/** A span as one or two units: `8 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. Negative spans are shown as zero. */
export function span(ms: number, lang: Lang): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const at = UNITS.findIndex(([limit]) => seconds < limit);
  const unit = UNITS[at] as (typeof UNITS)[number];
  const word = (count: number, of: (typeof UNITS)[number]): string => (lang === "zh" ? `${count} ${of[2]}` : `${count} ${of[3]}`);
  const whole = Math.floor(seconds / unit[1]);
  const smaller = UNITS[at - 1];
  if (at < 2 || !smaller) return word(whole, unit);
  const rest = Math.floor((seconds - whole * unit[1]) / smaller[1]);
  return rest === 0 ? word(whole, unit) : `${word(whole, unit)} ${word(rest, smaller)}`;
}

/** A measured value with as many digits as it is worth: three significant below 100, whole above 1000. */
export function value(number: number, lang: Lang): string {
  const size = Math.abs(number);
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return number.toLocaleString(lang === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits });
}

export function count(number: number, lang: Lang): string {
  return number.toLocaleString(lang === "zh" ? "zh-CN" : "en-GB");
}

/** UCUM codes as they are printed. A code that is not listed is shown as it is. */
const PRINTED: Record<string, string> = {
  "1": "",
  "ug/m3": "µg/m³",
  "m3/s": "m³/s",
  Cel: "°C",
  "[ppm]": "ppm",
  deg: "°",
  "/h": "/h",
};

export function unit(code: string | null | undefined): string {
  return code === null || code === undefined ? "" : (PRINTED[code] ?? code);
}

/** A reading as it is shown: a share (`…_ratio`) in per cent, all else in its own unit. */
export function measured(metric: string, number: number, code: string | null | undefined, lang: Lang): { text: string; unit: string } {
  if (metric.endsWith("_ratio")) return { text: value(100 * number, lang), unit: "%" };
  return { text: value(number, lang), unit: unit(code) };
}

export function metres(distance: number, lang: Lang): string {
  return distance < 1000 ? `${Math.round(distance)} m` : `${value(distance / 1000, lang)} km`;
}

/** A name in the page's language, or in the other when that is all there is. */
export function nameOf(name: Name | string | null | undefined, lang: Lang): string {
  if (name === null || name === undefined) return "";
  if (typeof name === "string") return name;
  return name[lang] ?? name[lang === "zh" ? "en" : "zh"] ?? "";
}

/** A sensor's own name, from the attributes `name_zh` and `name`; empty when the registry gives none. */
export function sensorName(attributes: Record<string, unknown>, lang: Lang): string {
  const { name, name_zh } = attributes;
  const given = lang === "zh" ? (name_zh ?? name) : (name ?? name_zh);
  return typeof given === "string" ? given : "";
}
