// Measures in headless Chromium how exactly events keep their original intervals: npm run bench.
// It measures on an idle machine, and while all processors are busy.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { Pages } from "../test/support/pages.js";
import { API_KEY, MeshServer } from "../test/support/server.js";
import { until } from "../test/support/wait.js";

/** How many batches are replayed, of about a hundred events each, and over which time each is fired. */
const ROUNDS = 10;
const ROUND_MS = 900;
/** How long the listening page draws in every frame: a program that runs beside the replay. */
const DRAWING_MS = 6;
/** One frame, the most that the 99th percentile may be. */
const FRAME_MS = 17;

const server = await MeshServer.start();
const pages = await Pages.start();
try {
  console.log(`${"".padEnd(26)} events      p50      p90      p99     most   (ms)`);
  print("idle machine", await measure());
  const isWithinFrame = await underLoad(async () => print("all processors busy", await measure()));
  if (!isWithinFrame) process.exitCode = 1;
} finally {
  await pages.end();
  await server.end();
}

/** Replays the rounds; answers how far each event was from its offset, in milliseconds, least first. */
async function measure() {
  const options = { endpoint: server.endpoint, apiKey: API_KEY, domain: "bench", eventInterval: 1_000 };
  const [host, member] = await Promise.all([pages.open(options), pages.open(options)]);
  const group = await host.evaluate(async () => (window.session = await mesh.create({ name: "Bench" })).group);
  await member.evaluate(async (group) => void (window.session = await mesh.join(group)), group);
  await member.bringToFront();
  await member.evaluate(listen, DRAWING_MS);
  await host.evaluate(fire, [ROUNDS, ROUND_MS]);
  await until(() => member.evaluate(() => heard.has("last")));
  const errors = await member.evaluate(errorsOfRounds);
  await host.evaluate(() => session.leave());
  await Promise.all([host.close(), member.close()]);
  return errors.sort((one, other) => one - other);
}

/** In the listening page: notes when which event was played, and draws meanwhile. */
function listen(drawing) {
  window.heard = new Map();
  session.addEventListener("event", ({ detail: { name, firedAt } }) => {
    if (!heard.has(name)) heard.set(name, []);
    heard.get(name).push({ fired: Date.parse(firedAt), played: performance.now() });
  });
  requestAnimationFrame(function draw() {
    for (const end = performance.now() + drawing; performance.now() < end; );
    requestAnimationFrame(draw);
  });
}

/** In the host's page: fires the rounds, one batch each. */
async function fire([rounds, milliseconds]) {
  for (let round = 0; round < rounds; round++) {
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
      session.fire(`round ${round}`);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
    }
    await session.flush();
  }
  session.fire("last");
}

/** In the listening page: how far each event was from its offset to the first of its round. */
function errorsOfRounds() {
  return [...heard.values()].flatMap(([first, ...others]) =>
    others.map(({ fired, played }) => Math.abs(played - first.played - (fired - first.fired))),
  );
}

/** Does something while as many processes as there are processors take all that they get. */
async function underLoad(act) {
  const loads = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ["-e", "for (;;);"]));
  try {
    return await act();
  } finally {
    for (const load of loads) load.kill();
  }
}

/** Prints a row of percentiles; answers whether the 99th is within a frame. */
function print(name, errors) {
  const percentile = (part) => errors[Math.ceil(errors.length * part) - 1];
  const figures = [0.5, 0.9, 0.99, 1].map((part) => percentile(part).toFixed(1).padStart(8));
  console.log(`${name.padEnd(26)} ${String(errors.length).padStart(6)} ${figures.join(" ")}`);
  return percentile(0.99) <= FRAME_MS;
}
