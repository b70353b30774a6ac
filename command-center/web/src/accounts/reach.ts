/** How far somebody sees, in words. */
import { areaName } from "../areas";
import { unitWords } from "../cases/lists";
import { t } from "../words";

/** The areas and the unit of an account or a token, in words. */
export function reachWords({ areas, unit }: { areas: string[]; unit?: string | null }): string {
  const names = areas.map(areaName);
  const places = names.length === 0 ? t("queue.area.all") : names.join(" · ");
  return unit ? `${places} · ${unitWords(unit)}` : places;
}
