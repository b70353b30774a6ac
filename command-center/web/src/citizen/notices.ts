/** What the city tells everybody now, for citizens' pages and the wall. */
import { get } from "../api/client";
import type { ToldNotice } from "../api/dossiers";
import { nameOf } from "../format";
import { type Lang, t } from "../words";

export async function toldNotices(): Promise<ToldNotice[]> {
  return (await get<{ items: ToldNotice[] }>("/public/notices")).items;
}

/** Its title and text in a language; in Chinese where nobody wrote the other. */
export function saidIn(notice: ToldNotice, language: Lang): { title: string; text: string } {
  return language === "en" && notice.title_en ? { title: notice.title_en, text: notice.text_en ?? "" } : notice;
}

/** Where it holds, by name. */
export function whereOf(notice: ToldNotice, language: Lang): string {
  return nameOf(notice.area_name, language) || t("queue.area.all");
}
