/** An act of the audit in words: what it is done to, and what is done. */
import { known, term } from "../words";
import { wordsOf } from "./audit";

/** What has steps of its own kind. */
const DOSSIERS = ["interview", "objection", "deliberation", "mediation", "public-notice"];

/** The word of what is done: cases and dossiers have theirs, the rest stands with the records. What is not known stays as it is. */
function doneWords(subject: string, act: string): string {
  if (subject === "case") return term("step", act);
  return DOSSIERS.includes(subject) ? term("dossier.step", act) : (known("audit.did", act) ?? act);
}

export function actWords(what: string): string {
  const { subject, act } = wordsOf(what);
  const of = known("audit.of", subject) ?? subject;
  return act === "" ? of : `${of} · ${doneWords(subject, act)}`;
}
