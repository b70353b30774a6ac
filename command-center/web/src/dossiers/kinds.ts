/** Which kinds of dossiers somebody sees; the server asks for the same roles. */
import { computed } from "vue";
import { DOSSIER_KINDS, type DossierKind } from "../api/dossiers";
import { isDesk, isSupervisor, isUnit } from "../session";

/** Deliberations, mediations and public notices are led by the city's desks, the others are between units and who supervises them. */
export function isSeen(kind: DossierKind): boolean {
  const isTalk = kind !== "interviews" && kind !== "objections";
  return isSupervisor.value || (isTalk ? isDesk.value : isUnit.value);
}

export const seenKinds = computed(() => DOSSIER_KINDS.filter(isSeen));
