/** What citizens ask of the API, without an account. */
import { ApiError, get, post, query, upload } from "../api/client";
import type { Appeal, AppealClass, KnownMatter, NewAppeal, Rating, ReceivedAppeal } from "../api/serve";
import { failure } from "../failure";
import { t } from "../words";

/** What a reporter keeps. */
export interface Theirs {
  number: string;
  secret: string;
}

export interface Place {
  lon: number;
  lat: number;
}

export const PHOTOS_MAX = 4;
export const PHOTO_KINDS = ["image/jpeg", "image/png", "image/webp"];

export async function appealClasses(): Promise<AppealClass[]> {
  return (await get<{ items: AppealClass[] }>("/appeals/classes")).items;
}

export function knownNear(of: string, place: Place, signal: AbortSignal): Promise<{ radius_m: number; items: KnownMatter[] }> {
  return get(`/appeals/near${query({ class: of, lon: place.lon, lat: place.lat })}`, signal);
}

export async function report(appeal: NewAppeal): Promise<ReceivedAppeal> {
  return (await post<ReceivedAppeal>("/appeals", appeal)).body;
}

function path(theirs: Theirs, more = ""): string {
  return `/appeals/${encodeURIComponent(theirs.number)}${more}${query({ secret: theirs.secret })}`;
}

export function lookUp(theirs: Theirs): Promise<Appeal> {
  return get(path(theirs));
}

export async function addPhoto(theirs: Theirs, file: File): Promise<Appeal> {
  return (await upload<Appeal>(path(theirs, "/photos"), file)).body;
}

export async function rate(theirs: Theirs, rating: Rating): Promise<Appeal> {
  return (await post<Appeal>(path(theirs, "/rating"), rating)).body;
}

export async function reopen(theirs: Theirs, reason: string): Promise<Appeal> {
  return (await post<Appeal>(path(theirs, "/reopen"), { reason })).body;
}

/** Why something was not done, in the reader's words. */
export function why(error: unknown): string {
  if (error instanceof ApiError && error.status === 429) return t("citizen.later");
  return failure(error);
}
