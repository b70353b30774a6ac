/** The backtest that was asked for last: begun, asked after until it ends, cancelled. One for the tab, as the draft is. */
import { computed, ref, shallowRef } from "vue";
import { get, post } from "../api/client";
import type { Backtest, RuleFile } from "../api/rules";
import { failure } from "../failure";

const ASK_EVERY_MS = 500;

const last = shallowRef<Backtest | null>(null);
/** Of which texts it is. */
const of = shallowRef<RuleFile[]>([]);
const problem = ref<string | null>(null);
const beginning = ref(false);
/** Cancelled before the server said which one it is. */
let unwanted = false;
const running = computed(() => beginning.value || last.value?.state === "running");

async function begin(files: RuleFile[], from: number, to: number): Promise<void> {
  if (running.value) return;
  beginning.value = true;
  unwanted = false;
  problem.value = null;
  try {
    last.value = (await post<Backtest>("/rules/backtests", { files, from, to })).body;
    of.value = files;
    if (unwanted) await stop(last.value.id);
    void follow(last.value.id);
  } catch (error) {
    problem.value = failure(error);
  } finally {
    beginning.value = false;
  }
}

async function follow(id: number): Promise<void> {
  while (last.value?.id === id && last.value.state === "running") {
    await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
    try {
      last.value = await get<Backtest>(`/rules/backtests/${id}`);
    } catch (error) {
      problem.value = failure(error);
      last.value = null;
    }
  }
}

async function cancel(): Promise<void> {
  if (beginning.value) unwanted = true;
  else if (last.value) await stop(last.value.id);
}

async function stop(id: number): Promise<void> {
  try {
    await post(`/rules/backtests/${id}/cancel`, {});
  } catch (error) {
    problem.value = failure(error);
  }
}

export const backtest = { last, of, problem, running, begin, cancel };
