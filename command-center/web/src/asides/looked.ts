/**
 * An incident as somebody looks at it who is about to act on it. What they saw is what they act on: the detail's ETag
 * goes along, and when the incident changed meanwhile its new state is shown before the act can be sent again.
 */
import { onMounted, ref, shallowRef } from "vue";
import { ApiError, getTagged, post } from "../api/client";
import type { Incident, IncidentDetail } from "../api/types";
import { refusal } from "../failure";
import { live } from "../live/store";

export function useLooked(id: string) {
  const path = `/incidents/${encodeURIComponent(id)}`;
  const incident = shallowRef<Incident | null>(null);
  /** What stands on top of the dialog. */
  const told = ref<string | null>(null);
  let tag: string | null = null;

  async function look(): Promise<Incident> {
    const { body, etag } = await getTagged<IncidentDetail>(path);
    [incident.value, tag] = [body, etag];
    return body;
  }
  onMounted(() => look().catch((error: unknown) => (told.value = refusal(error))));

  async function send(act: string, body: unknown): Promise<void> {
    const headers: Record<string, string> = tag === null ? {} : { "if-match": tag };
    live.take((await post<Incident>(`${path}/${act}`, body, headers)).body);
  }

  /** Tells a refusal; of one because the incident is another by now, `changed` says what that means. */
  async function explain(error: unknown, changed: (now: Incident, status: number) => string): Promise<string> {
    const status = error instanceof ApiError ? error.status : 0;
    if (status !== 409 && status !== 412) return refusal(error);
    try {
      const now = await look();
      live.take(now);
      return changed(now, status);
    } catch (lost) {
      return refusal(lost);
    }
  }

  return { incident, told, send, explain };
}
