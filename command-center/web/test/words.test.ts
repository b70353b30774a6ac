/** The two dictionaries say the same things, and no template says anything past them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "vue/compiler-sfc";
import { ROLES, SCOPES } from "../src/api/accounts";
import { OF_CLASS, OF_RULE, VIEWS } from "../src/analyze/asked";
import { BESIDE, SPANS } from "../src/analyze/history";
import { CASE_STATES, STAGES, TIME_UNITS } from "../src/api/cases";
import { CONTACT_KINDS } from "../src/api/duty";
import { LINT_CODES } from "../src/api/rules";
import { DOSSIER_KINDS } from "../src/api/dossiers";
import { CHANNELS, SATISFIED } from "../src/api/serve";
import { FINDING_KINDS, KPIS, REASONS, TAKEN_FOR } from "../src/api/supervise";
import { ASIDE_KINDS, DOMAINS, SENSOR_STATES, SEVERITIES } from "../src/api/types";
import { WHY_NOTS } from "../src/api/why";
import { ACTS, FINDINGS, VERDICTS } from "../src/cases/acts";
import { COLUMNS } from "../src/cases/board";
import { DOCUMENTS, FORMATS } from "../src/citizen/open";
import { ACTS as DOSSIER_ACTS, BEGINNINGS, type Field } from "../src/dossiers/fields";
import { GROUPS_BY, SUBJECTS } from "../src/duty/chain";
import { STANDINGS, VIEWS as SERVE_VIEWS } from "../src/serve/asked";
import { SUBJECTS as AUDITED } from "../src/supervise/audit";
import { SHOWN } from "../src/supervise/checks";
import { GROUPS as LIVE_GROUPS, TROUBLES } from "../src/supervise/live";
import { VIEWS as SUPERVISE_VIEWS } from "../src/supervise/views";

import { en } from "../src/words/en";
import { zh } from "../src/words/zh";

const SRC = new URL("../src/", import.meta.url).pathname;
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).map((name) => ({ name, text: /\.(vue|ts)$/.test(name) ? readFileSync(join(SRC, name), "utf8") : "" }));
const dossierFields: Field[] = [...Object.values(DOSSIER_ACTS).flatMap((acts) => Object.values(acts).flat()), ...Object.values(BEGINNINGS).flat()];
const HAN = /\p{Script=Han}/u;
const keys = Object.keys(zh) as (keyof typeof zh)[];

/** Same in both languages, by intent: the names of substances and the switch, which speaks the other language. */
const SAME = new Set<string>(["metric.pm2_5_ugm3", "metric.pm10_ugm3"]);
const SWITCH = new Set<string>(["nav.language", "nav.language.short"]);

describe("the dictionaries", () => {
  it("have the same keys", () => {
    expect(Object.keys(en)).toEqual(Object.keys(zh));
  });

  it("leave nothing untranslated", () => {
    const text = keys.filter((key) => !SWITCH.has(key) && !SAME.has(key));
    expect(text.filter((key) => HAN.test(en[key]))).toEqual([]);
    expect(text.filter((key) => zh[key] === en[key] || !HAN.test(zh[key]))).toEqual(["queue.count"]);
    expect(keys.filter((key) => zh[key].trim() === "" || en[key].trim() === "")).toEqual([]);
  });

  it("fill in the same things", () => {
    const given = (words: string): string[] => [...words.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();
    for (const key of keys) expect(given(en[key]), key).toEqual(given(zh[key]));
  });

  it("write Chinese with Chinese punctuation", () => {
    expect(keys.filter((key) => !SWITCH.has(key) && /\p{Script=Han}[,;:?!]/u.test(zh[key]))).toEqual([]);
  });

  it("have a word for every member of the closed lists", () => {
    const lists = {
      severity: SEVERITIES, domain: DOMAINS, state: SENSOR_STATES, "case.state": CASE_STATES, column: COLUMNS, clock: STAGES, limit: TIME_UNITS, timeUnit: TIME_UNITS,
      "case.act": Object.keys(ACTS), field: Object.values(ACTS).flat(), result: [...VERDICTS, ...FINDINGS], kpi: KPIS, finding: FINDING_KINDS, reason: REASONS, "supervise.by": TAKEN_FOR, "supervise.live": TROUBLES, "supervise.live.about": TROUBLES, "supervise.live.by": LIVE_GROUPS, lint: LINT_CODES, "citizen.satisfied": SATISFIED, contact: CONTACT_KINDS, role: ROLES, scope: SCOPES, subject: SUBJECTS, group: GROUPS_BY, verdict: WHY_NOTS, "dossier.kind": DOSSIER_KINDS, "aside.kind": ASIDE_KINDS, "aside.about": ASIDE_KINDS, "dossier.act": Object.values(DOSSIER_ACTS).flatMap((acts) => Object.keys(acts)), "dossier.field": dossierFields.map((field) => field.name), "dossier.option": dossierFields.flatMap((field) => field.options ?? []), "analyze.view": VIEWS, verdicts: [...OF_RULE, ...OF_CLASS], "history.span": SPANS, "history.beside": ["this", ...BESIDE], "serve.view": SERVE_VIEWS, "serve.state": STANDINGS, "appeals.channel": CHANNELS, data: [...DOCUMENTS, ...FORMATS, ...DOCUMENTS.map((one) => `${one}.about`)], "supervise.view": SUPERVISE_VIEWS, "checks.show": SHOWN, "audit.of": AUDITED,
    };
    const members = Object.entries(lists).flatMap(([list, words]) => words.map((one) => `${list}.${one}`));
    expect(members.filter((key) => !(key in zh))).toEqual([]);
  });

  it("are used: a word that no file names is left over", () => {
    const code = files.filter((file) => !file.name.startsWith("words")).map((file) => file.text).join("\n");
    const listed = /^(severity|ahead\.of|domain|state|metric|act|sensor\.coverage|unknown\.todo|transition|transition\.reason|line|chart|map\.colour|queue|queue\.group|aqi|tpi|roadClass|case\.state|case\.act|case\.source|case\.level|cases\.view|column|clock|clock\.state|limit|timeUnit|field|result|step|kpi|finding|reason|peers|supervise\.by|supervise\.live|citizen\.satisfied|appeals\.channel|lint|fn|bench\.busy|bench\.tab|bench\.level|bench\.verdict|delivery|contact|language|subject|group|subscription|notice|turns|weekday|truth|verdict|explain\.which|analyze\.view|analyze\.level|dossier\.(?:act|begin|field|kind|option|show|state|step)|deduction|aside\.(?:kind|about)|signin\.refusal|role|scope|token|verdicts|history\.(?:span|beside)|serve\.(?:view|state|list|outside|servers)|data|water|bins|maintenance\.(?:kind|when|none|want)|map\.layer|supervise\.view|checks\.(?:show|state|outcome)|audit\.(?:of|did))\./;
    expect(keys.filter((key) => !listed.test(key) && !code.includes(`"${key}"`) && !code.includes(`'${key}'`))).toEqual([]);
  });
});

interface Node {
  type: number;
  content?: unknown;
  children?: unknown;
  props?: { type: number; name: string; value?: { content: string } }[];
}

/** Text that stands in a template as it is: text nodes, and attributes that are read or read out. */
function said(node: Node): string[] {
  const own = node.type === 2 && typeof node.content === "string" ? [node.content] : [];
  const read = (node.props ?? []).filter((prop) => prop.type === 6 && ["title", "alt", "placeholder", "aria-label"].includes(prop.name));
  const children = Array.isArray(node.children) ? (node.children as Node[]).flatMap(said) : [];
  return [...own, ...read.map((prop) => prop.value?.content ?? ""), ...children].filter((text) => /\p{L}/u.test(text));
}

describe("templates", () => {
  const components = files.filter((file) => file.name.endsWith(".vue"));

  it("say nothing but words of the dictionaries, and the program's own name", () => {
    expect(components.length).toBeGreaterThan(10);
    for (const { name, text } of components) {
      const template = parse(text).descriptor.template?.ast as unknown as Node | undefined;
      const allowed = new Set(["citywatch", "/sign-in?code=…"]);
      expect(template ? said(template).map((one) => one.trim()).filter((one) => !allowed.has(one)) : [], name).toEqual([]);
    }
  });

  it("hold no Chinese, nor does the code", () => {
    expect(files.filter((file) => !file.name.startsWith("words") && file.name !== "format.ts" && HAN.test(file.text)).map((file) => file.name)).toEqual([]);
  });
});
