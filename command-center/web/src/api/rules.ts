/** The shapes of `/api/v1/rules` beside its versions, as `types.ts` has the others. */
import type { Schemas, Severity, Told } from "./types";

export type RuleFile = Schemas["RuleFile"];
export type RuleSet = Schemas["RuleSet"];
export type RuleDiagnostic = Schemas["RuleDiagnostic"];
export type Checked = Schemas["Checked"];
export type Tested = Schemas["Tested"];
export type TestSuite = Schemas["TestSuite"];
export type TestCase = Schemas["TestCase"];
export type Linted = Schemas["Linted"];
export type LintFinding = Schemas["LintFinding"];
export type InForce = Schemas["InForce"];

/** A JSON Schema, as far as completion reads it. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  description?: string;
  properties?: Record<string, Schema>;
  /** For keys that are not told one by one. */
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  enum?: string[];
  const?: unknown;
  type?: string | string[];
}
export type RuleLanguage = Told<"RuleLanguage", { schema: Schema }>;

export type IncidentSpan = Told<"IncidentSpan", { severity: Severity }>;
export type IncidentChange = Told<"IncidentChange", { live: IncidentSpan | null; draft: IncidentSpan | null }>;
export type RuleLoad = Schemas["RuleLoad"];
export type RuleBacktest = Schemas["RuleBacktest"];
export type Backtested = Told<"Backtested", { changes: IncidentChange[] }>;
export type Backtest = Told<"Backtest", { result: Backtested | null }>;

/** What `rules lint` may find, as docs/rule-language.md has it. */
export const LINT_CODES = [
  "never-true", "always-true", "never-clears", "clears-too-early", "no-hysteresis", "threshold-out-of-range", "overlap", "no-positive-test", "no-negative-test", "too-many-alarms", "idle-label",
] as const;
