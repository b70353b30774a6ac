/** What a chain or a subscription is about, in words. */
import { areaName } from "../areas";
import { className } from "../cases/lists";
import { term } from "../words";
import type { About } from "./filter";

/** Each part that narrows it; none when it is about all. */
export function aboutWords(about: About): string[] {
  const least = about.severity === "minor" ? [] : [`≥ ${term("severity", about.severity)}`];
  return [...about.domains.map((one) => term("domain", one)), ...about.areas.map(areaName), ...least, ...about.classes.map(className)];
}
