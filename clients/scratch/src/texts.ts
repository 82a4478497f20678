/** What children read, in Japanese, easy Japanese (only kana) and English. */
import type { Standing } from "./membership.js";

export interface Texts extends Record<Standing, string> {
  readonly category: string;
  // Blocks.
  readonly sensorValue: string;
  readonly enter: string;
  readonly leave: string;
  readonly isConnected: string;
  readonly names: string;
  readonly state: string;
  readonly setValue: string;
  readonly sendEvent: string;
  readonly whenEvent: string;
  // What stands in them at first.
  readonly group: string;
  readonly variable: string;
  readonly event: string;
  /** The name of the node that created the group, which gives none. */
  readonly host: string;
  // What to do.
  readonly askForKey: string;
  readonly noKey: string;
  readonly noServer: string;
  readonly wrongKey: string;
  readonly noAnswer: string;
  readonly allowLocalNetwork: string;
}

const english: Texts = {
  category: "Mesh",
  sensorValue: "[NAME] sensor value",
  enter: "enter mesh [NAME]",
  leave: "leave mesh",
  isConnected: "in a mesh?",
  names: "names of all in the mesh",
  state: "state of the mesh",
  setValue: "set [NAME] to [VALUE] in the mesh",
  sendEvent: "send [EVENT] to the mesh",
  whenEvent: "when I receive [EVENT] from the mesh",
  group: "Class 3",
  variable: "score",
  event: "start",
  host: "host",
  outside: "not in a mesh",
  entering: "entering",
  live: "connected",
  polling: "connected, slow (polling)",
  recovering: "looking for the network",
  over: "over: the group has ended",
  failed: "could not enter",
  askForKey: "The key of your Mesh server (the board shows it, or a code of six letters for the block):",
  noKey: "enter the code of six letters that your teacher's board shows",
  noServer: "load this extension from your Mesh server",
  wrongKey: "the server does not know this key",
  noAnswer: "the server does not answer",
  allowLocalNetwork: "the server does not answer: allow this page to access your local network",
};

const japanese: Texts = {
  category: "メッシュ",
  sensorValue: "[NAME] センサーの値",
  enter: "メッシュ [NAME] に入る",
  leave: "メッシュから出る",
  isConnected: "メッシュに入っている",
  names: "メッシュにいる人の名前",
  state: "メッシュの状態",
  setValue: "メッシュの [NAME] を [VALUE] にする",
  sendEvent: "メッシュに [EVENT] を送る",
  whenEvent: "メッシュから [EVENT] を受け取ったとき",
  group: "3年1組",
  variable: "点数",
  event: "スタート",
  host: "ホスト",
  outside: "メッシュに入っていません",
  entering: "入っています…",
  live: "つながっています",
  polling: "つながっています(ゆっくり)",
  recovering: "ネットワークをさがしています",
  over: "終わりました(グループがなくなりました)",
  failed: "入れませんでした",
  askForKey: "メッシュサーバーのキー(または、ブロックに先生の画面の6文字のコードを入れてください)",
  noKey: "先生の画面に出ている6文字のコードを入れてください",
  noServer: "この拡張機能はメッシュサーバーから読みこんでください",
  wrongKey: "サーバーはこのキーを知りません",
  noAnswer: "サーバーから返事がありません",
  allowLocalNetwork: "サーバーから返事がありません。このページに「ローカルネットワークへのアクセス」を許可してください",
};

const easyJapanese: Texts = {
  category: "メッシュ",
  sensorValue: "[NAME] センサーのあたい",
  enter: "メッシュ [NAME] にはいる",
  leave: "メッシュからでる",
  isConnected: "メッシュにはいっている",
  names: "メッシュにいるひとのなまえ",
  state: "メッシュのじょうたい",
  setValue: "メッシュの [NAME] を [VALUE] にする",
  sendEvent: "メッシュに [EVENT] をおくる",
  whenEvent: "メッシュから [EVENT] をうけとったとき",
  group: "3ねん1くみ",
  variable: "てんすう",
  event: "スタート",
  host: "ホスト",
  outside: "メッシュにはいっていません",
  entering: "はいっています…",
  live: "つながっています",
  polling: "つながっています(ゆっくり)",
  recovering: "ネットワークをさがしています",
  over: "おわりました(グループがなくなりました)",
  failed: "はいれませんでした",
  askForKey: "メッシュサーバーのキー(または、ブロックにせんせいのがめんの6もじのコードをいれてください)",
  noKey: "せんせいのがめんにでている6もじのコードをいれてください",
  noServer: "このかくちょうきのうはメッシュサーバーからよみこんでください",
  wrongKey: "サーバーはこのキーをしりません",
  noAnswer: "サーバーからへんじがありません",
  allowLocalNetwork: "サーバーからへんじがありません。このページに「ローカルネットワークへのアクセス」をきょかしてください",
};

/** The texts of an editor's language, as `ja`, `ja-Hira` or `en-US`. */
export function textsFor(language: string): Texts {
  if (/^ja-hira$/i.test(language)) return easyJapanese;
  return /^ja\b/i.test(language) ? japanese : english;
}
