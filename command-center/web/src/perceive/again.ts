/** Something of the server's that is asked for again and again while somebody looks. */
import { onScopeDispose, ref, shallowRef } from "vue";
import { failure } from "../failure";
import { live } from "../live/store";

/** `ask` is asked at once, each so many milliseconds, and when the picture starts anew. What is held stands while it fails. */
export function useAgain<T>(ask: (signal: AbortSignal) => Promise<T>, everyMs: number) {
  const found = shallowRef<T | null>(null);
  const problem = ref<string | null>(null);
  let asking = new AbortController();

  async function load(): Promise<void> {
    asking.abort();
    const mine = (asking = new AbortController());
    try {
      const answer = await ask(mine.signal);
      if (mine.signal.aborted) return;
      [found.value, problem.value] = [answer, null];
    } catch (error) {
      if (!mine.signal.aborted) problem.value = failure(error);
    }
  }

  void load();
  const timer = setInterval(() => void load(), everyMs);
  const stop = live.onSnapshot(() => void load());
  onScopeDispose(() => {
    asking.abort();
    clearInterval(timer);
    stop();
  });
  return { found, problem, load };
}
