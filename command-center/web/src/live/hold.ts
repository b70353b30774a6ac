/** A queue that holds still while somebody's hand is on it: a pointer over it, or the focus in one of its rows. */
import { computed, type ComputedRef, type Ref, shallowRef } from "vue";
import type { Incident } from "../api/types";
import { heldRows, waitingFor } from "./queue";
import { live } from "./store";

export interface HeldQueue {
  /** The rows as they are to be drawn. */
  shown: ComputedRef<Incident[]>;
  /** How many changed place, came or went since it holds still. */
  waiting: ComputedRef<number>;
  /** Whether a hand is on it. */
  hold(is: boolean): void;
  /** Goes on with the rows as they are now; it holds on if a hand is on it. */
  renew(): void;
}

export function holdStill(rows: Ref<Incident[]>): HeldQueue {
  const order = shallowRef<string[] | null>(null);
  const now = (): string[] => rows.value.map((row) => row.id);
  return {
    shown: computed(() => (order.value ? heldRows(order.value, live.city.value.incidents) : rows.value)),
    waiting: computed(() => (order.value ? waitingFor(order.value, rows.value) : 0)),
    hold(is) {
      order.value = is ? (order.value ?? now()) : null;
    },
    renew() {
      if (order.value) order.value = now();
    },
  };
}
