/** The page's language, and its words in it. The dictionary of one language is loaded; that of the other when it is asked for. */
import { ref, watchEffect } from "vue";
import type { zh } from "./zh";

export type Lang = "zh" | "en";
export type Word = keyof typeof zh;
const KEY = "citywatch.lang";
const dictionaries: Partial<Record<Lang, Record<Word, string>>> = {};

function first(): Lang {
  const stored = localStorage.getItem(KEY);
  if (stored === "zh" || stored === "en") return stored;
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

async function load(wanted: Lang): Promise<void> {
  dictionaries[wanted] ??= wanted === "zh" ? (await import("./zh")).zh : (await import("./en")).en;
}

export const lang = ref<Lang>(first());
/** Nothing can be said before. */
export const firstWords = load(lang.value);

watchEffect(() => {
  document.documentElement.lang = lang.value === "zh" ? "zh-CN" : "en";
});

/** Goes on in a language; in the old one where its words cannot be had. */
export async function speak(wanted: Lang): Promise<void> {
  await load(wanted);
  lang.value = wanted;
}

export async function switchLang(): Promise<void> {
  const wanted = lang.value === "zh" ? "en" : "zh";
  await speak(wanted);
  localStorage.setItem(KEY, wanted);
}

/** The words of `key`; a `{name}` that is not given stays as it is, so that a mistake is seen. */
export function t(key: Word, given: Record<string, string | number> = {}): string {
  const words = dictionaries[lang.value]?.[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => String(given[name] ?? whole));
}

/** Lists that may grow: a member of a newer server has no word here. */
export type OpenList =
  | "domain" | "metric" | "state" | "severity" | "act" | "transition" | "transition.reason" | "aqi" | "tpi" | "roadClass"
  | "case.state" | "case.source" | "case.level" | "clock" | "step" | "result" | "finding" | "reason" | "peers" | "lint" | "fn" | "verdict"
  | "citizen.satisfied" | "appeals.channel" | "delivery" | "contact" | "language" | "subject" | "group" | "subscription" | "notice" | "turns" | "weekday" | "dossier.act" | "dossier.field" | "dossier.option" | "dossier.state" | "dossier.step" | "deduction" | "signin.refusal" | "role" | "scope" | "token" | "audit.of" | "audit.did";

/** The word of a member of an open list (`domain.…`, `metric.…`), or null where there is none. */
export function known(list: OpenList, member: string, given: Record<string, string | number> = {}): string | null {
  const key = `${list}.${member}`;
  return key in (dictionaries[lang.value] ?? {}) ? t(key as Word, given) : null;
}

/** The same, or the member itself. */
export function term(list: OpenList, member: string, given: Record<string, string | number> = {}): string {
  return known(list, member, given) ?? member;
}
