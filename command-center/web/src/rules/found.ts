/** What a backtest found, in the order and sums in which it is shown. Pure. */
import type { RuleBacktest } from "../api/rules";

/** How much a rule changes: what comes first in the table. */
export const changesOf = (rule: RuleBacktest): number => rule.added + rule.gone + rule.moved;

/** Rules that found something in either set, those that change most first. */
export function ranked(rules: RuleBacktest[]): RuleBacktest[] {
  const found = rules.filter((rule) => changesOf(rule) > 0 || (rule.live?.incidents ?? 0) + (rule.draft?.incidents ?? 0) > 0);
  const size = (rule: RuleBacktest): number => (rule.draft?.incidents ?? 0) + (rule.live?.incidents ?? 0);
  return found.sort((a, b) => changesOf(b) - changesOf(a) || size(b) - size(a) || a.rule.localeCompare(b.rule));
}

/** Incidents opened in each step, of one rule or of all. */
export function opened(rules: RuleBacktest[], side: "live" | "draft", id: string | null): number[] {
  const sums: number[] = [];
  for (const rule of rules) {
    if (id !== null && rule.rule !== id) continue;
    rule[side]?.opened.forEach((count, at) => (sums[at] = (sums[at] ?? 0) + count));
  }
  return sums;
}
