/** One case as somebody looks at it: what the server said last, and acts on exactly that. */
import { onScopeDispose, ref, shallowRef, watch } from "vue";
import { ApiError, getTagged, post, upload } from "../api/client";
import type { CaseDetail } from "../api/cases";
import { failure } from "../failure";
import { live } from "../live/store";

/** Working-time clocks are the server's to reckon: while somebody looks, it is asked this often. */
const AGAIN_MS = 60_000;

/** A case, and the tag that names this version of it. */
export interface Seen {
  detail: CaseDetail;
  tag: string | null;
}

export function useCase(id: () => string) {
  const seen = shallowRef<Seen | null>(null);
  const problem = ref<"missing" | string | null>(null);

  async function load(): Promise<Seen | null> {
    const asked = id();
    try {
      const { body, etag } = await getTagged<CaseDetail>(pathOf(asked));
      if (asked !== id()) return null;
      problem.value = null;
      return take({ detail: body, tag: etag });
    } catch (error) {
      if (asked === id()) problem.value = error instanceof ApiError && error.status === 404 ? "missing" : failure(error);
      return null;
    }
  }

  /** Takes in an answer, unless a newer version is known. */
  function take(answer: Seen): Seen {
    const held = seen.value;
    if (held?.detail.id !== answer.detail.id || held.detail.version <= answer.detail.version) seen.value = answer;
    return answer;
  }

  /** Does an act on the version that `tag` names. */
  async function act(name: string, body: unknown, tag: string | null): Promise<Seen> {
    const answer = await post<CaseDetail>(`${pathOf(id())}/${name}`, body, tag === null ? {} : { "if-match": tag });
    return take({ detail: answer.body, tag: answer.etag });
  }

  /** Adds a file; evidence is only added, so no version is named. */
  async function addEvidence(file: File): Promise<Seen> {
    const answer = await upload<CaseDetail>(`${pathOf(id())}/evidence`, file);
    return take({ detail: answer.body, tag: answer.etag });
  }

  watch(id, () => {
    seen.value = null;
    problem.value = null;
    void load();
  }, { immediate: true });
  const again = setInterval(() => document.visibilityState === "visible" && seen.value?.detail.is_open && void load(), AGAIN_MS);
  const stops = [
    live.onCase((row) => {
      const held = seen.value?.detail;
      if (held && row.id === held.id && row.version > held.version) void load();
    }),
    live.onSnapshot(() => seen.value && void load()),
  ];
  onScopeDispose(() => {
    clearInterval(again);
    for (const stop of stops) stop();
  });
  return { seen, problem, load, act, addEvidence };
}
export type CaseHandle = ReturnType<typeof useCase>;

function pathOf(id: string): string {
  return `/cases/${encodeURIComponent(id)}`;
}
