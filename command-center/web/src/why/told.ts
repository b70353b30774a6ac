/** What an answer of why-not says, in the reader's words: pure but for the words. */
import type { Clause, HeldBack, LevelWhy, OpenMember, Unselected, WhyNot } from "../api/why";
import { clock, dateTime, metres, span, value } from "../format";
import { lang, t, term } from "../words";
import type { Lane } from "./TruthLanes.vue";

/** Sensors that lack something are named so far. */
const MISSING_MAX = 4;

function notesOf(clause: Clause): string[] {
  const notes: string[] = [];
  const { nearest } = clause;
  if (nearest && clause.held === 0) notes.push(t("whynot.near", { time: clock(nearest.at, lang.value), left: value(nearest.left, lang.value), right: value(nearest.right, lang.value), by: value(nearest.by, lang.value) }));
  for (const one of clause.missing.slice(0, MISSING_MAX)) {
    const given = { sensor: one.sensor, what: term("metric", one.what) };
    if (one.since === null) notes.push(t(one.what.startsWith("attr.") ? "whynot.lacks.attribute" : "whynot.lacks.never", given));
    else if (one.unknown_since === null) notes.push(t("whynot.lacks.few", given));
    else notes.push(t("whynot.lacks.stale", { ...given, since: clock(one.since, lang.value), time: clock(one.unknown_since, lang.value) }));
  }
  if (clause.missing.length > MISSING_MAX) notes.push(t("bench.leftOut", { count: clause.missing.length - MISSING_MAX }));
  return notes;
}

const figureOf = (held: number, unknown: number, all: number): string => t("whynot.figure", { held, unknown, all });
const laneOf = (clause: Clause, all: number): Lane => ({
  text: clause.text, course: clause.course, whole: false, figure: figureOf(clause.held, clause.unknown, all), notes: notesOf(clause), nearest: clause.nearest?.at ?? null,
});

export function lanesOf(level: LevelWhy, all: number): Lane[] {
  const notes: string[] = [];
  if (level.longest) notes.push(t("whynot.longest", { span: span(level.longest[1] - level.longest[0], lang.value), from: clock(level.longest[0], lang.value), to: clock(level.longest[1], lang.value) }));
  if (level.needs > 0) notes.push(t("whynot.needs", { span: span(level.needs, lang.value) }));
  if (typeof level.stands === "object") {
    const pending = "pending" in level.stands;
    const since = "pending" in level.stands ? level.stands.pending : level.stands.clearing;
    notes.push(t(pending ? "whynot.pending" : "whynot.clearing", { time: dateTime(since, lang.value) }));
  } else if (level.stands === "on") notes.push(t("whynot.on"));
  const whole: Lane = { text: level.when, course: level.course, whole: true, figure: figureOf(level.held, level.unknown, all), notes, nearest: null };
  // One clause that is the whole condition needs no lane of its own, only its notes.
  const [only, ...others] = level.clauses;
  if (only && others.length === 0 && only.text === level.when) return [{ ...laneOf(only, all), whole: true, notes: [...notesOf(only), ...notes] }];
  return [whole, ...level.clauses.map((clause) => laneOf(clause, all))];
}

export function stepLanes(why: WhyNot): Lane[] {
  return (why.sequence?.steps ?? []).flatMap((step, at) => {
    const told = step.last === null ? t("whynot.step.none") : t("whynot.step.last", { time: dateTime(step.last, lang.value) });
    const head: Lane = { text: `${at + 1}. ${step.not ? "not: " : ""}${step.when}`, course: step.clauses.length === 1 ? (step.clauses[0]?.course ?? []) : [], whole: true, figure: t("whynot.step.fitted", { count: step.fitted }), notes: [told], nearest: null };
    return [head, ...(step.clauses.length === 1 ? [] : step.clauses.map((clause) => laneOf(clause, why.evaluations)))];
  });
}

/** What else there is to say of its evaluations. */
export function remarks(why: WhyNot): string[] {
  const said: string[] = [t("whynot.evaluations", { count: why.evaluations })];
  if (why.clock === null) said.push(t("whynot.noClock"));
  else if (why.clock < why.at) said.push(t("whynot.clockShort", { time: dateTime(why.clock, lang.value) }));
  said.push(...why.held_back.map(heldBack));
  if (why.silence) said.push(t("whynot.silence", { since: dateTime(why.silence.since, lang.value), opens: dateTime(why.silence.opens_at, lang.value) }));
  if (why.stuck) {
    const { metric, since, needs } = why.stuck;
    const given = { metric: term("metric", metric), span: span(needs, lang.value) };
    said.push(since === null ? t("whynot.stuck.none", given) : t("whynot.stuck", { ...given, since: dateTime(since, lang.value) }));
  }
  if (why.sequence) said.push(why.sequence.furthest ? t("whynot.furthest", { steps: why.sequence.furthest[1], of: why.sequence.steps.length, time: dateTime(why.sequence.furthest[0], lang.value) }) : t("whynot.furthest.none"));
  return said;
}

function heldBack(one: HeldBack): string {
  const given = { count: one.evaluations, first: dateTime(one.first, lang.value), last: dateTime(one.last, lang.value) };
  if (one.until !== null) return t("whynot.held.cooldown", { ...given, until: dateTime(one.until, lang.value) });
  return t("whynot.held.schedule", given);
}

export function unselectedText(one: Unselected): string {
  if (one.because === "domain") return t("whynot.domain", { sensor: one.sensor, domain: term("domain", one.is) });
  if (one.because === "where") return t("whynot.where", { sensor: one.sensor });
  return t("whynot.noKey", { each: one.each }) + (one.nearest === null ? "" : t("whynot.meant", { key: one.nearest }));
}

export function memberText(one: OpenMember): string {
  const said = [`${one.key} · ${dateTime(one.opened_at, lang.value)}`];
  if (one.cleared_at !== null) said.push(t("whynot.member.until", { time: dateTime(one.cleared_at, lang.value) }));
  if (one.metres !== null) said.push(metres(one.metres, lang.value));
  if (one.after !== null && one.after !== 0) said.push(t(one.after < 0 ? "whynot.member.before" : "whynot.member.after", { span: span(Math.abs(one.after), lang.value) }));
  return said.join(" · ");
}
