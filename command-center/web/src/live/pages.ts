/** A list of the API, page after page, as somebody asks for more. A newer request ends the one before it. */
import { onScopeDispose, ref, shallowRef } from "vue";
import { get } from "../api/client";
import type { Page } from "../api/types";
import { failure } from "../failure";

/** `path` is what to ask for: from the beginning, or after the cursor; `took` hears of each page. */
export function usePages<T, P extends Page<T> = Page<T>>(path: (cursor: string | null) => string, took: (page: P) => void = () => undefined) {
  const rows = shallowRef<T[]>([]);
  const next = ref<string | null>(null);
  const busy = ref(false);
  const problem = ref<string | null>(null);
  let asked: AbortController | null = null;

  async function load(more: boolean): Promise<void> {
    asked?.abort();
    const mine = new AbortController();
    asked = mine;
    busy.value = true;
    try {
      const page = await get<P>(path(more ? next.value : null), mine.signal);
      rows.value = more ? [...rows.value, ...page.items] : page.items;
      next.value = page.next;
      problem.value = null;
      took(page);
    } catch (error) {
      if (mine.signal.aborted) return;
      problem.value = failure(error);
    }
    busy.value = false;
  }

  onScopeDispose(() => asked?.abort());
  return { rows, next, busy, problem, load };
}
