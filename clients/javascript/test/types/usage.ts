/** Uses of the types by an application. `npm run check` compiles this file against dist/. */
import { Mesh, MeshError, Session, type EndReason, type Group, type State } from "mesh-v2-client";

const mesh = new Mesh({ endpoint: "http://127.0.0.1:4000/graphql", apiKey: "key" });
// @ts-expect-error An endpoint alone is not enough.
new Mesh({ endpoint: "http://127.0.0.1:4000/graphql" });

const groups: Group[] = await mesh.groups({ signal: AbortSignal.timeout(1_000) });
const session: Session = await mesh.create({ name: "Class 3", maxConnectionTimeSeconds: 600 });
// @ts-expect-error A group has a name.
await mesh.create({});
for (const group of groups) await mesh.join(group);
await mesh.join({ id: "g", domain: "d" }, { nodeId: "n", name: "Aoi", secret: "a secret of 16 characters" });

session.set("score", 1);
session.setAll({ score: 2, isReady: true });
session.setAll(new Map([["name", "text"]]));
// @ts-expect-error Objects are no values.
session.set("score", {});
session.fire("jump");
session.fire("jump", "high");

session.addEventListener("value", ({ detail: { nodeId, key, value, timestamp } }) => {
  const texts: (string | null)[] = [nodeId, key, value, timestamp];
  return texts;
});
session.addEventListener("ended", ({ detail }) => {
  const reason: EndReason = detail.reason;
  // @ts-expect-error That is no reason.
  return reason === "bored";
});
const stop: () => void = session.on("event", ({ name, payload }) => [name.trim(), payload?.trim()]);
stop();
// @ts-expect-error There is no such event.
session.on("events", () => {});
// @ts-expect-error An event has a name.
session.fire();
// @ts-expect-error Objects are no payloads.
session.fire("jump", {});
session.addEventListener("state", { handleEvent: ({ detail }) => detail.recovered === false });
// @ts-expect-error An event has no score.
session.addEventListener("event", ({ detail }) => detail.score);

for await (const { type, detail } of session) {
  if (type === "event") detail.name.trim();
  // @ts-expect-error The end has no name.
  if (type === "ended") detail.name;
}
for await (const { joined, left, renamed } of session.stream("nodes")) joined.concat(left, renamed);

const state: State = session.state;
const value: string | undefined = session.value("score");
const time: string | null | undefined = session.values.get(session.nodeId)?.get("score")?.timestamp;
// @ts-expect-error What is seen is not changed.
session.values.clear();
const error: unknown = new MeshError("NetworkError", "No answer");
if (error instanceof MeshError) error.type.trim();
export const used = [state, value, time];
