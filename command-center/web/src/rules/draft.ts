/**
 * The draft: the files that an engineer edits, over a version that was in force, and what the server says of them.
 * One for the tab: leaving the workbench and coming back finds it as it was. Nothing of it is on the server before it is
 * applied.
 */
import { computed, ref, shallowRef } from "vue";
import { get, getTagged, post } from "../api/client";
import type { Checked, InForce, Linted, RuleDiagnostic, RuleFile, RuleLanguage, RuleSet, Tested } from "../api/rules";
import { failure } from "../failure";
import { outline } from "./complete";

/** The server is asked when nothing was typed for so long. */
const PAUSE_MS = 400;

interface Base {
  version: number;
  tag: string;
  texts: ReadonlyMap<string, string>;
}

const base = shallowRef<Base | null>(null);
const texts = shallowRef<ReadonlyMap<string, string>>(new Map());
const language = shallowRef<RuleLanguage | null>(null);
const problem = ref<string | null>(null);
/** What the server said, and of which texts. */
const checked = shallowRef<Checked | null>(null);
const tested = shallowRef<Tested | null>(null);
const linted = shallowRef<Linted | null>(null);
const busy = ref<"" | "check" | "test" | "lint">("");
let asked: AbortController | null = null;
let pause: ReturnType<typeof setTimeout> | undefined;

export const isTest = (path: string): boolean => path.endsWith(".test.yaml");

/** The path of a file of rules and of the tests beside it, without what tells them apart. */
export const stem = (path: string): string => path.replace(/(\.test)?\.yaml$/, "");

export const files = computed<RuleFile[]>(() => [...texts.value].map(([path, text]) => ({ path, text })));
export const paths = computed(() => [...texts.value.keys()].sort((a, b) => stem(a).localeCompare(stem(b)) || Number(isTest(a)) - Number(isTest(b))));
export const changed = computed(() => [...new Set([...texts.value.keys(), ...(base.value?.texts.keys() ?? [])])].filter((path) => texts.value.get(path) !== base.value?.texts.get(path)).sort());
export const ruleIds = computed(() => files.value.filter((file) => !isTest(file.path)).flatMap((file) => outline(file.text).map((rule) => rule.id)));

export const diagnostics = computed<RuleDiagnostic[]>(() => [...(checked.value?.diagnostics ?? []), ...(tested.value?.diagnostics ?? [])]);

export const mapOf = (set: RuleSet): Map<string, string> => new Map(set.files.map((file) => [file.path, file.text]));

async function current(): Promise<Base> {
  const { body, etag } = await getTagged<RuleSet>("/rules/versions/current");
  return { version: body.version, tag: etag ?? `"${body.version}"`, texts: mapOf(body) };
}

/** Takes up the rules in force, where no draft is there yet. */
async function open(): Promise<void> {
  problem.value = null;
  try {
    language.value ??= await get<RuleLanguage>("/rules/language");
    const unedited = base.value === null || changed.value.length === 0;
    const now = await current();
    // A draft stays over the version that it was begun over: applying it then says so.
    if (!unedited) return;
    base.value = now;
    texts.value = now.texts;
    lookSoon(0);
  } catch (error) {
    problem.value = failure(error);
  }
}

/** The version in force becomes what the draft is over: files that were not edited are taken as they are there. */
async function rebase(): Promise<void> {
  const now = await current();
  const merged = new Map(now.texts);
  for (const path of changed.value) {
    const mine = texts.value.get(path);
    if (mine === undefined) merged.delete(path);
    else merged.set(path, mine);
  }
  base.value = now;
  texts.value = merged;
  lookSoon(0);
}

function edit(path: string, text: string): void {
  if (texts.value.get(path) === text) return;
  texts.value = new Map(texts.value).set(path, text);
  lookSoon(PAUSE_MS);
}

function remove(path: string): void {
  const left = new Map(texts.value);
  left.delete(path);
  texts.value = left;
  lookSoon(0);
}

function discard(): void {
  texts.value = base.value?.texts ?? new Map();
  lookSoon(0);
}

function lookSoon(after: number): void {
  clearTimeout(pause);
  asked?.abort();
  busy.value = "check";
  pause = setTimeout(() => void look(), after);
}

/** Has the server check the draft; when it is good, also test and lint it. An edit meanwhile begins anew. */
async function look(): Promise<void> {
  const mine = new AbortController();
  asked = mine;
  const draft = { files: files.value };
  const ask = async <T>(what: "check" | "test" | "lint"): Promise<T> => {
    busy.value = what;
    return (await post<T>(`/rules/${what}`, draft, {}, mine.signal)).body;
  };
  try {
    checked.value = await ask<Checked>("check");
    if (checked.value.good) {
      tested.value = await ask<Tested>("test");
      linted.value = await ask<Linted>("lint");
    } else {
      // Of other texts than these: they say nothing of them.
      tested.value = null;
      linted.value = null;
    }
    problem.value = null;
  } catch (error) {
    if (mine.signal.aborted) return;
    problem.value = failure(error);
  }
  busy.value = "";
}

/** Puts the draft in force; throws what the server refuses. */
async function apply(reason: string): Promise<InForce> {
  const { body } = await post<InForce>("/rules/apply", { files: files.value, reason }, { "if-match": base.value?.tag ?? "" });
  base.value = { version: body.version, tag: `"${body.version}"`, texts: texts.value };
  return body;
}

export const draft = { base, texts, language, problem, checked, tested, linted, busy, open, rebase, edit, remove, discard, look, apply };
