/** The page's language, and its words in it. Both dictionaries are small: both are loaded, so a switch is instant. */
import { ref, watchEffect } from "vue";
import { en } from "./en";
import { zh } from "./zh";

export type Lang = "zh" | "en";
export type Word = keyof typeof zh;
const KEY = "citywatch.lang";

function first(): Lang {
  const stored = localStorage.getItem(KEY);
  if (stored === "zh" || stored === "en") return stored;
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

export const lang = ref<Lang>(first());

watchEffect(() => {
  document.documentElement.lang = lang.value === "zh" ? "zh-CN" : "en";
});

export function switchLang(): void {
  lang.value = lang.value === "zh" ? "en" : "zh";
  localStorage.setItem(KEY, lang.value);
}

/** The words of `key`; a `{name}` that is not given stays as it is, so that a mistake is seen. */
export function t(key: Word, given: Record<string, string | number> = {}): string {
  const words = (lang.value === "zh" ? zh : en)[key];
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => String(given[name] ?? whole));
}

/** Lists that may grow: a member of a newer server has no word here. */
export type OpenList =
  | "domain" | "metric" | "state" | "severity" | "act" | "transition" | "transition.reason" | "aqi" | "tpi"
  | "case.state" | "case.source" | "case.level" | "clock" | "step" | "result" | "finding" | "reason" | "peers" | "lint" | "fn" | "verdict"
  | "citizen.satisfied" | "appeals.channel" | "delivery" | "contact" | "language" | "subject" | "group" | "subscription" | "notice" | "turns" | "weekday" | "dossier.act" | "dossier.field" | "dossier.option" | "dossier.state" | "dossier.step" | "deduction" | "signin.refusal";

/** The word of a member of an open list (`domain.…`, `metric.…`), or the member itself when there is none. */
export function term(list: OpenList, member: string, given: Record<string, string | number> = {}): string {
  const key = `${list}.${member}`;
  return key in zh ? t(key as Word, given) : member;
}
