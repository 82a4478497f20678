/** What children read: in English, Japanese, and Japanese without kanji. */

const TEXTS = {
  category: ["Mesh", "メッシュ"],
  // Blocks.
  sensorValue: ["[NAME] sensor value", "[NAME] センサーの値"],
  enter: ["enter mesh [NAME]", "メッシュ [NAME] に入る"],
  setNickname: ["call me [NAME]", "名前を [NAME] にする"],
  leave: ["leave mesh", "メッシュから出る"],
  isConnected: ["in a mesh?", "メッシュに入っている"],
  names: ["names in the mesh", "メッシュにいる人"],
  state: ["state of the mesh", "メッシュの状態"],
  setValue: ["set [NAME] to [VALUE] in the mesh", "メッシュの [NAME] を [VALUE] にする"],
  sendEvent: ["send [EVENT] to the mesh", "メッシュに [EVENT] を送る"],
  whenEvent: ["when I receive [EVENT] from the mesh", "メッシュから [EVENT] を受け取ったとき"],
  // What stands in them at first.
  group: ["Class 3", "3年1組"],
  nickname: ["Cat", "ねこ"],
  variable: ["score", "点数"],
  event: ["start", "スタート"],
  /** The node that created the group, which has no name. */
  host: ["host", "ホスト"],
  // How things stand.
  outside: ["not in a mesh", "メッシュに入っていない"],
  entering: ["entering", "入っているところ"],
  live: ["connected", "つながっている"],
  polling: ["connected (slow)", "つながっている(ゆっくり)"],
  recovering: ["looking for the network", "ネットワークをさがしている"],
  over: ["over", "終わった"],
  /** Asks for the key, and says that it is missing. */
  key: ["Key? (or enter the six letters on the board)", "キーは?(またはボードの6文字に入る)"],
  wrongKey: ["the key is wrong", "キーがちがう"],
  noAnswer: ["no answer", "返事がない"],
  /** Comes after `noAnswer` where a browser may be in the way. */
  allowLocalNetwork: [": allow local network access", ":「ローカルネットワークへのアクセス」を許可"],
} as const;

/** How the kanji above are read. */
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

export type Texts = Readonly<Record<keyof typeof TEXTS, string>>;

/** The texts of an editor's language, as `ja`, `ja-Hira` or `en-US`. */
export function textsFor(language: string): Texts {
  const isJapanese = /^ja\b/i.test(language);
  const isInKana = /hira/i.test(language);
  const read = (text: string) => text.replace(/\p{sc=Han}+/gu, (word) => KANA[word] ?? word);
  const entries = Object.entries(TEXTS).map(([name, [english, japanese]]) => [
    name,
    isJapanese ? (isInKana ? read(japanese) : japanese) : english,
  ]);
  return Object.fromEntries(entries) as Texts;
}
