/** `citywatch demo` and `citywatch run` for browser tests: started in a folder of its own, stopped as its operator would. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, PATIENCE_MS } from "./browser.mjs";

/** CITYWATCH names the binary. */
export const BINARY = process.env.CITYWATCH ?? fileURLToPath(new URL("../../../target/release/citywatch", import.meta.url));
/** The demo opens an incident every few seconds; a quiet stretch may last this long. */
export const ARRIVAL_MS = 240_000;
const LINK = /https?:\/\/\S+\/sign-in\?code=[\w.~-]+/;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts the demo, on ports of its own or those of an earlier start; gives its sign-in link when it has printed one, and when it has played the past. */
export async function startDemo(folder, ports) {
  const { http, mqtt } = ports ?? { http: await freePort(), mqtt: await freePort() };
  return { ...started(["demo", "--data-dir", folder, "--http", `127.0.0.1:${http}`, "--mqtt", `127.0.0.1:${mqtt}`]), ports: { http, mqtt } };
}

/** Starts a city of its own with settings beside those of where it listens; paths are from `folder`. Gives its sign-in link. */
export async function startRun(folder, settings) {
  const config = join(folder, "city.toml");
  writeFileSync(config, `data_dir = "data"\nmqtt.listen = "127.0.0.1:${await freePort()}"\nhttp.listen = "127.0.0.1:${await freePort()}"\n${settings}`);
  return started(["run", "--config", config]);
}

function started(words) {
  const child = spawn(BINARY, words, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let isLive;
  const live = new Promise((resolve, reject) => {
    isLive = resolve;
    setTimeout(() => reject(new Error(`citywatch ${words[0]} did not go live:\n${said}`)), ARRIVAL_MS).unref();
  });
  // Nobody may wait for it yet when it fails.
  live.catch(() => undefined);
  const link = new Promise((resolve, reject) => {
    const hear = (piece) => {
      said += piece;
      const found = said.match(LINK);
      if (found) resolve(found[0]);
      if (said.includes("now live")) isLive();
    };
    child.stdout.setEncoding("utf8").on("data", hear);
    child.stderr.setEncoding("utf8").on("data", hear);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`citywatch ${words[0]} ended with ${code} and no sign-in link:\n${said}`)));
    setTimeout(() => reject(new Error(`citywatch ${words[0]} printed no sign-in link:\n${said}`)), PATIENCE_MS).unref();
  });
  return { child, link, live };
}

export async function stopDemo(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await ended;
  clearTimeout(late);
}

/**
 * A story with a browser and a demo in a folder of its own. `act` is given both, the folder, and where the demo signs in; if
 * it starts the demo again it puts the new one in the old one's place. What fails is told, and is the exit code.
 */
export async function inDemo(act) {
  const folder = mkdtempSync(join(tmpdir(), "citywatch-story-"));
  const story = { folder, browser: await launch(), demo: await startDemo(folder) };
  process.on("exit", () => story.demo.child.kill("SIGKILL"));
  try {
    const address = await story.demo.link;
    await act(Object.assign(story, { address, origin: new URL(address).origin }));
  } catch (error) {
    console.log(`FAIL  ${error.stack}\n${error.cause ?? ""}`);
    process.exitCode = 1;
  } finally {
    await story.browser.close();
    await stopDemo(story.demo.child);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Does a step of a story and says how long it took. */
export async function step(name, act) {
  const began = Date.now();
  const result = await act();
  console.log(`ok    ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return result;
}
