/** What a step of a case says, beside its name: in the page's language. */
import { areaName } from "../areas";
import type { CaseStep } from "../api/cases";
import type { Schemas } from "../api/types";
import { dateTime, metres, span, value } from "../format";
import { lang, t, term } from "../words";
import { limitOf } from "./clocks";
import { unitWords } from "./lists";

/** Who acts where time or a trusted rule does. */
const CITY = "citywatch";
/** How the names of reporters begin; the number of their appeal follows. */
const CITIZEN = "citizen/";

/** A limit as people read it; one of an unknown unit as it is. */
export function limitWords(text: string): string {
  const limit = limitOf(text);
  return limit ? t(`limit.${limit.unit}`, { amount: limit.amount }) : text;
}

/** Somebody's name: of a reporter the number of their appeal. */
export function nameWords(name: string): string {
  return name.startsWith(CITIZEN) ? t("appeals.by", { number: name.slice(CITIZEN.length) }) : name;
}

/** Who took the step, with their unit. */
export function whoOf(step: CaseStep): string {
  if (step.by.name === CITY) return t("step.by.city");
  const name = nameWords(step.by.name);
  return step.by.unit ? `${name} · ${unitWords(step.by.unit)}` : name;
}

/** What the step says in a few words each: to whom, with what outcome, until when. */
export function saidOf(step: CaseStep, taskNames: readonly string[]): string[] {
  const said: (string | false | undefined)[] = [
    step.result !== undefined && term("result", step.result),
    step.unit !== undefined && step.step !== "reported_in" && t(step.is_proposed ? "step.to.proposed" : "step.to", { unit: unitWords(step.unit) }),
    step.step === "reported_in" && step.unit !== undefined && unitWords(step.unit),
    step.units !== undefined && t("step.units", { units: step.units.map(unitWords).join(lang.value === "zh" ? "、" : ", ") }),
    step.limit !== undefined && t("step.limit", { limit: limitWords(step.limit) }),
    step.until !== undefined && t("step.until", { time: dateTime(step.until, lang.value) }),
    step.score !== undefined && t("step.score", { points: step.score }),
    step.stage !== undefined && t("step.clock", { clock: term("clock", step.stage) }),
    step.climbs_to !== undefined && step.climbs_to !== null && t("step.climbs", { level: term("case.level", step.climbs_to) }),
    step.upheld !== undefined && t(step.upheld ? "step.upheld" : "step.sentBack"),
    step.where_to !== undefined && t("step.whereTo", { where: step.where_to }),
    step.likeness !== undefined && likenessWords(step.likeness),
    step.task !== undefined && (taskNames[step.task] ?? String(step.task + 1)),
  ];
  return said.filter((one): one is string => typeof one === "string");
}

/** Why a report was merged without a person. */
export function likenessWords({ score, distance_m, apart_ms }: Schemas["Likeness"]): string {
  return t("appeals.merged", { score: value(score, lang.value), distance: metres(distance_m, lang.value), apart: span(apart_ms, lang.value) });
}

/** The place of a case in one line. */
export function placeWords(row: { place_name: { zh?: string; en?: string }; district: string | null }): string {
  return row.place_name[lang.value] || areaName(row.district);
}
