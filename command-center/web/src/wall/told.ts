/** What the city tells everybody, asked again and again while the wall looks. */
import { onScopeDispose, shallowRef } from "vue";
import type { ToldNotice } from "../api/dossiers";
import { toldNotices } from "../citizen/notices";

/** A notice holds for hours: a minute later is soon enough. */
const EVERY_MS = 60_000;

/** The notices, kept up to date until the scope ends. Those that are held stand while they cannot be asked for. */
export function useNotices() {
  const notices = shallowRef<ToldNotice[]>([]);
  async function ask(): Promise<void> {
    try {
      notices.value = await toldNotices();
    } catch {
      // The banner says when the line is lost, and each notice says until when it holds.
    }
  }
  const timer = setInterval(() => void ask(), EVERY_MS);
  void ask();
  onScopeDispose(() => clearInterval(timer));
  return notices;
}
