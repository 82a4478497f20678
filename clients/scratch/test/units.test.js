// The parts that need no editor, under a clock of their own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sources } from "./support/sources.js";

const { asCode, hexOfLabel, Pulses, readLink, textsFor } = await sources(
  "code",
  "labels",
  "link",
  "pulses",
  "texts",
);

test("the link of the script gives server and key, and what it names", () => {
  const script = "http://192.168.0.5:4000/extension/mesh.js";
  const origin = "http://192.168.0.5:4000";
  assert.deepEqual(readLink(script, undefined), { origin });
  assert.deepEqual(readLink(`${script}#key=da2-k%2Fe`, undefined), { origin, key: "da2-k/e" });
  const named = "#key=k&domain=3%E5%B9%B4&group=Cats&name=Aoi";
  assert.deepEqual(readLink(script + named, undefined), {
    origin,
    key: "k",
    domain: "3年",
    group: "Cats",
    name: "Aoi",
  });
});

test("a page gives what it names; the number of a project is no key", () => {
  assert.deepEqual(readLink("data:text/javascript,", "http://h/game.html#key=k&group=Cats"), { key: "k", group: "Cats" });
  assert.equal(readLink(undefined, "https://turbowarp.org/#123456").key, undefined);
  assert.deepEqual(readLink("http://h/mesh.js#key=a", "http://h/#key=b"), { origin: "http://h", key: "a" });
});

test("codes are six consonants, however they are typed", () => {
  assert.equal(asCode("KMF rtx"), "kmfrtx");
  assert.equal(asCode("kmf-rtx"), "kmfrtx");
  assert.equal(asCode("ＫＭＦＲＴＸ"), "kmfrtx");
  for (const name of ["Tigers", "kmfrt", "kmfrtxy", "3年1組", "123456"]) assert.equal(asCode(name), undefined);
});

test("six hiragana are the digits that Smalruby shows by them", () => {
  assert.equal(hexOfLabel("いしかたうん"), "012345");
  assert.equal(hexOfLabel("はこになくき"), "abcdef");
  for (const name of ["いしかたう", "いしかたうんて", "ねずみさんだ"]) assert.equal(hexOfLabel(name), undefined);
});

test("each event is one yes between two nos for every hat", () => {
  let now = 0;
  const pulses = new Pulses(() => now);
  assert.equal(pulses.ask("go"), false);
  pulses.add("go");
  pulses.add("go");
  pulses.add("unheard");
  // Two hats that ask every 67 ms, as at 30 frames a second.
  const answers = [[], []];
  for (; now < 1_000; now += 67) for (const hat of answers) hat.push(pulses.ask("go"));
  for (const hat of answers) {
    const starts = hat.filter((is, index) => is && !hat[index - 1]);
    assert.equal(starts.length, 2);
  }
  assert.equal(pulses.ask("unheard"), false);
});

test("events of long ago start nothing", () => {
  let now = 0;
  const pulses = new Pulses(() => now);
  pulses.ask("go");
  pulses.add("go");
  now = 10_000;
  assert.equal(pulses.ask("go"), false);
});

test("every language has every text, and easy Japanese no kanji", () => {
  const names = Object.keys(textsFor("en"));
  for (const language of ["ja", "ja-JP", "ja-Hira"]) assert.deepEqual(Object.keys(textsFor(language)), names);
  for (const text of Object.values(textsFor("ja-Hira"))) assert.doesNotMatch(text, /\p{Script=Han}/u);
  assert.match(textsFor("ja").leave, /出/);
  assert.equal(textsFor("de").leave, textsFor("en").leave);
});
