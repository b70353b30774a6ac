/** One thing of the server's that has a tag: what it said last, and acts on exactly that. */
import { ref, shallowRef, watch } from "vue";
import { failure } from "../failure";
import { ApiError, getTagged, post } from "./client";

/** `path` is asked at once and whenever it changes; `act` posts to a path below it on the version that is shown. */
export function useTagged<T>(path: () => string) {
  const found = shallowRef<T | null>(null);
  const problem = ref<"missing" | string | null>(null);
  let tag: string | null = null;

  async function load(): Promise<void> {
    const asked = path();
    try {
      const { body, etag } = await getTagged<T>(asked);
      if (asked !== path()) return;
      [found.value, tag, problem.value] = [body, etag, null];
    } catch (error) {
      if (asked !== path()) return;
      found.value = null;
      problem.value = error instanceof ApiError && error.status === 404 ? "missing" : failure(error);
    }
  }

  /** Throws what the server refuses; where somebody was faster, how it stands now is asked first and acted on next. */
  async function act(name: string, body: Record<string, unknown>): Promise<void> {
    try {
      const answer = await post<T>(`${path()}/${name}`, body, tag === null ? {} : { "if-match": tag });
      [found.value, tag] = [answer.body, answer.etag];
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) await load();
      throw error;
    }
  }

  watch(path, load, { immediate: true });
  return { found, problem, load, act };
}
