/** The open cases of the board: fetched, then kept up to date by the stream. */
import { onScopeDispose, ref, shallowRef, triggerRef } from "vue";
import { get, query } from "../api/client";
import type { CasePage, CaseRow } from "../api/cases";
import { failure } from "../failure";
import { live } from "../live/store";
import { keepCase } from "./board";

/** Open cases that a board holds; past it the board says so, and the list with its filters is needed. */
export const CASES_MAX = 5_000;
const PAGE_SIZE = 500;

export function useOpenCases() {
  const held = shallowRef(new Map<string, CaseRow>());
  const isReady = ref(false);
  const isCut = ref(false);
  const problem = ref<string | null>(null);
  /** What is being fetched; what changes meanwhile goes into it too, so that nothing is between the two. */
  let fresh: Map<string, CaseRow> | null = null;
  let asked: AbortController | null = null;

  async function load(): Promise<void> {
    asked?.abort();
    const mine = new AbortController();
    asked = mine;
    const filling = new Map<string, CaseRow>();
    fresh = filling;
    try {
      let cursor: string | null = null;
      let count = 0;
      do {
        const page: CasePage = await get<CasePage>(`/cases${query({ limit: PAGE_SIZE, cursor })}`, mine.signal);
        for (const row of page.items) keepCase(filling, row);
        count += page.items.length;
        cursor = page.next;
      } while (cursor !== null && count < CASES_MAX);
      held.value = filling;
      isCut.value = cursor !== null;
      isReady.value = true;
      problem.value = null;
    } catch (error) {
      if (!mine.signal.aborted) problem.value = failure(error);
    }
    if (fresh === filling) fresh = null;
  }

  void load();
  const stops = [
    live.onCase((row) => {
      if (fresh) keepCase(fresh, row);
      if (keepCase(held.value, row)) triggerRef(held);
    }),
    // What was closed while nobody listened must go: the picture starts anew.
    live.onSnapshot(() => void load()),
  ];
  onScopeDispose(() => {
    asked?.abort();
    for (const stop of stops) stop();
  });
  return { cases: held, isReady, isCut, problem, load };
}
