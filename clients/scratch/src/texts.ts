/** What children read, in Japanese, easy Japanese (without kanji) and English. */
import type { Standing } from "./membership.js";

export interface Texts extends Record<Exclude<Standing, "failed">, string> {
  readonly category: string;
  // Blocks.
  readonly sensorValue: string;
  readonly enter: string;
  readonly setNickname: string;
  readonly leave: string;
  readonly isConnected: string;
  readonly names: string;
  readonly state: string;
  readonly setValue: string;
  readonly sendEvent: string;
  readonly whenEvent: string;
  // What stands in them at first.
  readonly group: string;
  readonly nickname: string;
  readonly variable: string;
  readonly event: string;
  /** The node that created the group, which has no name. */
  readonly host: string;
  /** Asks for the key, and says that it is missing. */
  readonly key: string;
  readonly wrongKey: string;
  readonly noAnswer: string;
  /** Comes after `noAnswer` where a browser may be in the way. */
  readonly allowLocalNetwork: string;
}

const english: Texts = {
  category: "Mesh",
  sensorValue: "[NAME] sensor value",
  enter: "enter mesh [NAME]",
  setNickname: "call me [NAME] in the mesh",
  leave: "leave mesh",
  isConnected: "in a mesh?",
  names: "names in the mesh",
  state: "state of the mesh",
  setValue: "set [NAME] to [VALUE] in the mesh",
  sendEvent: "send [EVENT] to the mesh",
  whenEvent: "when I receive [EVENT] from the mesh",
  group: "Class 3",
  nickname: "Cat",
  variable: "score",
  event: "start",
  host: "host",
  outside: "not in a mesh",
  entering: "entering",
  live: "connected",
  polling: "connected (slow: polling)",
  recovering: "looking for the network",
  over: "over",
  key: "Key of the mesh? (Without one, enter the code of six letters that the board shows)",
  wrongKey: "the key is wrong",
  noAnswer: "no answer",
  allowLocalNetwork: ": allow this page to access the local network",
};

const japanese: Texts = {
  category: "メッシュ",
  sensorValue: "[NAME] センサーの値",
  enter: "メッシュ [NAME] に入る",
  setNickname: "メッシュでの名前を [NAME] にする",
  leave: "メッシュから出る",
  isConnected: "メッシュに入っている",
  names: "メッシュにいる人",
  state: "メッシュの状態",
  setValue: "メッシュの [NAME] を [VALUE] にする",
  sendEvent: "メッシュに [EVENT] を送る",
  whenEvent: "メッシュから [EVENT] を受け取ったとき",
  group: "3年1組",
  nickname: "ねこ",
  variable: "点数",
  event: "スタート",
  host: "ホスト",
  outside: "メッシュに入っていない",
  entering: "入っているところ",
  live: "つながっている",
  polling: "つながっている(ゆっくり)",
  recovering: "ネットワークをさがしている",
  over: "終わった",
  key: "メッシュのキーは?(なければ、ボードの6文字のコードのメッシュに入る)",
  wrongKey: "キーがちがう",
  noAnswer: "返事がない",
  allowLocalNetwork: ":このページに「ローカルネットワークへのアクセス」を許可する",
};

/** How the words above are read. */
const KANA: Readonly<Record<string, string>> = {
  値: "あたい",
  入: "はい",
  名前: "なまえ",
  出: "で",
  人: "ひと",
  状態: "じょうたい",
  送: "おく",
  受: "う",
  取: "と",
  年: "ねん",
  組: "くみ",
  点数: "てんすう",
  終: "お",
  文字: "もじ",
  返事: "へんじ",
  許可: "きょか",
};
const KANJI = new RegExp(Object.keys(KANA).join("|"), "g");

const inKana = (texts: Texts) =>
  Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, text.replace(KANJI, (word: string) => KANA[word] ?? word)]),
  ) as unknown as Texts;

/** The texts of an editor's language, as `ja`, `ja-Hira` or `en-US`. */
export function textsFor(language: string): Texts {
  if (!/^ja\b/i.test(language)) return english;
  return /^ja-hira$/i.test(language) ? inKana(japanese) : japanese;
}
