/** The workbench without its server: where the cursor stands, what is offered there, what changed between two texts. */
import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import type { RuleBacktest, RuleLanguage, Schema } from "../src/api/rules";
import { type Known, offers, outline, testNames } from "../src/rules/complete";
import { opened, ranked } from "../src/rules/found";
import { changes, counted, edit } from "../src/rules/lines";
import { offsetOf, placeAt } from "../src/rules/place";

const schema = JSON.parse(readFileSync(new URL("../../../docs/schemas/rules.json", import.meta.url), "utf8")) as Schema;
const language: RuleLanguage = {
  schema,
  metrics: [{ name: "level_m", unit: "m", domain: "drainage" }],
  attributes: [{ name: "diameter_m", kind: "number" }],
  functions: [{ name: "avg", example: "avg(level_m, '10m')" }],
  calendars: ["workdays"],
};
const known: Known = { language, rules: ["drainage.a", "drainage.b"], about: () => "" };

/** What is offered where `^` stands, by label. */
function offered(text: string, isTest = false): string[] {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.includes("^"));
  const line = lines[at] ?? "";
  const column = line.indexOf("^");
  lines[at] = line.slice(0, column) + line.slice(column + 1);
  const place = placeAt(lines, at, column);
  return place ? offers(place, isTest, known).map((one) => one.label) : [];
}

describe("completion", () => {
  const RULE = "rules:\n  - id: a\n";

  it("offers the keys of where the cursor stands", () => {
    expect(offered("^")).toEqual(["rules"]);
    expect(offered(`${RULE}    cl^`)).toContain("clear_when");
    expect(offered(`${RULE}    cl^`)).not.toContain("steps");
    expect(offered(`${RULE}    levels:\n      - ^`)).toEqual(["severity", "when", "for", "clear_when", "clear_for"]);
    expect(offered(`${RULE}    levels:\n      - { severity: minor, w^`)).toEqual(["severity", "when", "for", "clear_when", "clear_for"]);
    expect(offered(`${RULE}    sequence:\n      within: 5m\n      st^`)).toEqual(["within", "steps"]);
    expect(offered("rules: [a.yaml]\ntests:\n  - name: x\n    expect:\n      - { at: 1m, op^", true)).toContain("opened");
    expect(offered("sensors:\n  D1: { do^", true)).toContain("domain");
  });

  it("offers what a key takes", () => {
    expect(offered(`${RULE}    severity: ^`)).toEqual(["minor", "moderate", "severe", "extreme"]);
    expect(offered(`${RULE}    levels:\n      - { severity: s^`)).toEqual(["minor", "moderate", "severe", "extreme"]);
    expect(offered(`${RULE}    each: ^`)).toEqual(expect.arrayContaining(["sensor", "city", "attr.diameter_m"]));
    expect(offered(`${RULE}    for: ^`)).toContain("5m");
    expect(offered(`${RULE}    shadow: ^`)).toEqual(["true", "false"]);
    expect(offered(`${RULE}    inhibits: [d^`)).toEqual(expect.arrayContaining(["drainage.a", "drainage.b"]));
    expect(offered(`${RULE}    stuck_for: { metric: l^`)).toContain("level_m");
    expect(offered(`${RULE}    schedule: { calendar: ^`)).toEqual(["workdays"]);
    expect(offered("tests:\n  - name: x\n    expect:\n      - { at: 1m, opened: ^", true)).toEqual(known.rules);
    expect(offered("tests:\n  - name: x\n    readings:\n      - { sensor: A, metric: ^", true)).toEqual(["level_m"]);
  });

  it("offers metrics, attributes and functions in expressions", () => {
    const words = ["level_m", "attr.diameter_m", "attr.interval_s", "avg"];
    for (const text of ["    when: le^", "    when: level_m / at^", "    when: \"avg(le^", "    when: |-\n      le^", "    levels:\n      - { severity: minor, when: \"a^", "    sequence:\n      within: 1m\n      steps:\n        - when: le^"]) {
      expect(offered(RULE + text), text).toEqual(words);
    }
  });

  it("is silent in comments and in text", () => {
    expect(offered(`${RULE}    # wh^`)).toEqual([]);
    expect(offered(`${RULE}    for: 5m # wh^`)).toEqual([]);
    expect(offered(`${RULE}    message: some wo^`)).toEqual([]);
  });

  it("begins where the word that is typed begins", () => {
    const line = "    when: level_m / attr.dia";
    expect(placeAt(["rules:", "  - id: a", line], 2, line.length)?.from).toBe(line.indexOf("attr."));
    expect(placeAt(["rules:", "  - id"], 1, 6)?.from).toBe(4);
  });
});

describe("places", () => {
  it("are counted in characters by the server", () => {
    expect(offsetOf("满溢 x", 4)).toBe(3);
    expect(offsetOf("🌊 x", 3)).toBe(3);
    expect(offsetOf("ab", 9)).toBe(2);
  });

  it("of rules and tests make the outline", () => {
    expect(outline("rules:\n  # - id: no\n  - id: a.b\n    when: x\n  - { id: c, when: y }\n")).toEqual([{ id: "a.b", line: 3 }, { id: "c", line: 5 }]);
    expect(testNames("tests:\n  - name: it opens\n    readings: []\n")).toEqual([{ id: "it opens", line: 2 }]);
  });
});

/** The length of the longest common subsequence, by the table. */
function common(a: string[], b: string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i += 1)
    for (let j = 1; j <= b.length; j += 1) {
      const [row, above] = [table[i] ?? [], table[i - 1] ?? []];
      row[j] = a[i - 1] === b[j - 1] ? (above[j - 1] ?? 0) + 1 : Math.max(above[j] ?? 0, row[j - 1] ?? 0);
    }
  return table[a.length]?.[b.length] ?? 0;
}

describe("the difference of two texts", () => {
  it("is the shortest edit, and leads from one to the other", () => {
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let turn = 0; turn < 400; turn += 1) {
      const text = (): string[] => Array.from({ length: random(14) }, () => "abcd".charAt(random(4)));
      const [before, after] = [text(), text()];
      const lines = edit(before, after);
      const of = (...kinds: string[]): string[] => lines.filter((line) => kinds.includes(line.kind)).map((line) => line.text);
      expect(of("same", "removed")).toEqual(before);
      expect(of("same", "added")).toEqual(after);
      expect(of("same").length, `${before.join("")} to ${after.join("")}`).toBe(common(before, after));
      expect(lines.flatMap((line) => line.before ?? [])).toEqual(before.map((_, at) => at + 1));
      expect(lines.flatMap((line) => line.after ?? [])).toEqual(after.map((_, at) => at + 1));
    }
  });

  it("shows some lines around, and is nothing where nothing changed", () => {
    const before = Array.from({ length: 40 }, (_, at) => `line ${at}`).join("\n");
    expect(changes(before, before)).toEqual([]);
    const lines = changes(before, before.replace("line 20", "line twenty"));
    expect(lines.map((line) => line.kind)).toEqual(["gap", "same", "same", "same", "removed", "added", "same", "same", "same", "gap"]);
    expect(counted(lines)).toEqual({ added: 1, removed: 1 });
    expect(counted(changes("", "a\nb\n"))).toEqual({ added: 2, removed: 0 });
  });

  it("of texts with nothing in common is told all the same", () => {
    const lines = (word: string): string[] => Array.from({ length: 3_000 }, (_, at) => `${word} ${at}`);
    expect(edit(lines("a"), lines("b"))).toHaveLength(6_000);
  });
});

describe("a backtest", () => {
  const load = (incidents: number) => ({ incidents, per_day: 0, open_s: 0, flapping: 0, alarms_per_day: 0, opened: [incidents, 1] });
  const rule = (id: string, live: number | null, draft: number | null, added = 0): RuleBacktest => ({ rule: id, live: live === null ? null : load(live), draft: draft === null ? null : load(draft), same: 0, added, gone: 0, moved: 0 });
  const rules = [rule("quiet", 0, 0), rule("many", 9, 9), rule("changed", 1, 2, 1), rule("new", null, 3, 3)];

  it("puts first what changes", () => {
    expect(ranked(rules).map((one) => one.rule)).toEqual(["new", "changed", "many"]);
  });

  it("adds up what opened in each step", () => {
    expect(opened(rules, "live", null)).toEqual([10, 3]);
    expect(opened(rules, "draft", "new")).toEqual([3, 1]);
    expect(opened(rules, "live", "new")).toEqual([]);
  });
});
