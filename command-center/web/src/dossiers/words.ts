/** What a dossier is about and what its steps say, in words. */
import type { Dossier, DossierRow, DossierStep } from "../api/dossiers";
import { areaName } from "../areas";
import { unitWords } from "../cases/lists";
import { dateTime, nameOf } from "../format";
import { lang, t, term } from "../words";

/** What it is about, in a few words. */
export function aboutWords(one: DossierRow | Dossier): string {
  if ("title" in one) return (lang.value === "en" && one.title_en) || one.title;
  if ("question" in one) return one.question;
  if ("matter" in one) return one.matter;
  const about = "against" in one ? one.against : one.about;
  if (about.kind === "finding") return `${about.month} ${term("finding", about.finding)}`;
  const case_ = t("dossier.case", { number: about.case_number });
  const deduction = "against" in one && "deduction" in one.against ? one.against.deduction : null;
  return deduction === null ? case_ : `${case_} · ${term("deduction", deduction)}`;
}

/** Whose it is: the unit's; of a deliberation or mediation the case; of a notice the area. */
export function whoseWords(one: DossierRow | Dossier): string {
  if ("title" in one) return areaName(one.area.subdistrict ?? one.area.district) || t("queue.area.all");
  return "of" in one ? t("dossier.case", { number: one.of.case_number }) : nameOf(one.unit_name, lang.value) || one.unit;
}

/** The case that it is about; null where it is a finding. */
export function caseOf(one: DossierRow | Dossier): string | null {
  if ("of" in one) return one.of.case;
  if ("title" in one) return one.about?.kind === "case" ? one.about.case : null;
  const about = "against" in one ? one.against : one.about;
  return about.kind === "case" ? about.case : null;
}

/** Who took a step, for which unit. */
export function whoOf(step: DossierStep): string {
  return step.by.unit ? `${step.by.name} · ${unitWords(step.by.unit)}` : step.by.name;
}

/** Facts of a step beside its texts. */
export function saidOf(step: DossierStep): string[] {
  const said: string[] = [];
  const time = (name: string): void => {
    const value = step[name];
    if (typeof value === "number") said.push(`${term("dossier.field", name)} ${dateTime(value, lang.value)}`);
  };
  for (const name of ["decision", "cause", "to"]) {
    if (typeof step[name] === "string") said.push(term("dossier.option", step[name]));
  }
  for (const name of ["seat", "option"]) {
    if (typeof step[name] === "number") said.push(`${term("dossier.field", name)} ${step[name]}`);
  }
  for (const name of ["agenda", "options"]) {
    if (Array.isArray(step[name]) && step[name].length) said.push(`${term("dossier.field", name)}: ${step[name].join(" · ")}`);
  }
  for (const name of ["upheld", "mended", "in_time"]) {
    if (typeof step[name] === "boolean") said.push(`${term("dossier.field", name)} ${term("dossier.option", step[name] ? "yes" : "no")}`);
  }
  for (const name of ["planned_at", "held_at", "follow_up_at", "from", "until"]) time(name);
  return said;
}

/** What somebody wrote in a step. */
export function textsOf(step: DossierStep): string[] {
  return ["question", "mediator", "title", "text", "title_en", "text_en", "present", "reason", "note", "minutes"].map((name) => step[name]).filter((text): text is string => typeof text === "string" && text !== "");
}
