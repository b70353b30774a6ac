/** What the cards of duty share: a list of the server's, a form for one of it, and what was refused in words. */
import { computed, onUnmounted, type Ref, ref } from "vue";
import { failure } from "../failure";

/** `fetched` asks the server for the list, `empty` is what the form begins with. */
export function useKept<Draft extends object>(empty: () => Draft, fetched: (signal: AbortSignal) => Promise<void>) {
  const draft = ref(empty()) as Ref<Draft>;
  const making = ref(false);
  const refused = ref<string | null>(null);
  const lost = ref<string | null>(null);
  const told = computed(() => refused.value ?? lost.value);
  const abort = new AbortController();
  onUnmounted(() => abort.abort());

  async function load(): Promise<void> {
    try {
      await fetched(abort.signal);
      lost.value = null;
    } catch (error) {
      if (!abort.signal.aborted) lost.value = failure(error);
    }
  }

  /** Does what a button says, and looks again; gives whether it was done. */
  async function act(does: () => Promise<unknown>): Promise<boolean> {
    refused.value = null;
    try {
      await does();
    } catch (error) {
      refused.value = failure(error);
      return false;
    }
    await load();
    return true;
  }

  /** Opens the form with a draft, or closes it. */
  function open(wanted: Draft | null): void {
    [draft.value, making.value, refused.value] = [wanted ?? empty(), wanted !== null, null];
  }

  /** Sends the form; it stays open where the server refuses. */
  async function save(does: () => Promise<unknown>): Promise<void> {
    if (await act(does)) open(null);
  }

  void load();
  return { draft, making, told, load, act, open, save };
}
