/** Who is signed in. The cookie is the server's; this only knows what the server answers. */
import { computed, ref, watch } from "vue";
import { ApiError, get, onSignedOut, post } from "./api/client";
import type { Session } from "./api/types";
import { live } from "./live/store";

export type SignIn = "asking" | "in" | "out";

export const signIn = ref<SignIn>("asking");
export const session = ref<Session | null>(null);
/** Who sees to incidents and makes cases of them; the server asks for the same roles. */
export const isDesk = computed(() => session.value?.roles.some((role) => role === "operator" || role === "dispatcher") === true);

/** The names that incidents which this person sees to are assigned to: their own, and their unit's. */
export const mine = computed(() => [session.value?.name, session.value?.unit].filter((name) => name !== null && name !== undefined));

/** Who plans who is on duty; the server asks for the same roles. */
export const isPlanner = computed(() => session.value?.roles.some((role) => role === "dispatcher" || role === "administrator") === true);

/** Who sees to subscriptions and contacts; the server asks for the same role. */
export const isAdministrator = computed(() => session.value?.roles.includes("administrator") === true);
/** Who supervises the units, and who is of one; the server asks for the same roles. */
export const isSupervisor = computed(() => session.value?.roles.includes("supervisor") === true);
export const isUnit = computed(() => session.value?.roles.includes("unit") === true);

/** Who writes rules; the server asks for the same role. */
export const isEngineer = computed(() => session.value?.roles.includes("rule-engineer") === true);

onSignedOut(leave);
watch(
  () => live.line.connection,
  (connection) => connection === "signed-out" && leave(),
);

function leave(): void {
  signIn.value = "out";
  session.value = null;
  live.stop();
}

/** Asks the server. When it cannot be reached the page goes on and says so: a signed-in operator keeps the picture. */
export async function askSession(): Promise<void> {
  try {
    session.value = await get<Session>("/session");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return;
  }
  signIn.value = "in";
  live.start();
}

/** Signs in by name and password; throws what the server refuses. */
export async function signInAs(name: string, password: string): Promise<void> {
  await post<Session>("/sign-in", { name, password });
  await askSession();
}

export async function signOut(): Promise<void> {
  try {
    await post("/sign-out", {});
  } finally {
    // Whoever signs in next may see other areas: nothing of what was held stays.
    location.assign("/");
  }
}
