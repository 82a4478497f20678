/**
 * What the board says, in Japanese, in easy Japanese with furigana, and in English. `{n}` is filled in;
 * `[組|くみ]` is a word and how it is read.
 */
const ja = {
  title: 'メッシュ 教室ボード',
  language: 'ことば',
  adminKey: '管理キー',
  keyHint: 'サーバーを起動したときに表示された管理キーを入力してください。児童・生徒用のキーではありません。',
  wrongKey: 'このキーでは開けません。管理キーを確かめてください。',
  open: '開く',
  connecting: '接続しています…',
  live: '接続中',
  broken: 'サーバーにつながりません。つなぎ直しています…',
  tooMany: 'ほかの画面で開かれているボードが多すぎます。',
  groups: 'グループ',
  nodes: '参加者',
  rate: 'メッセージ/秒',
  nobody: 'まだグループはありません。だれかがグループを作ると、ここに表示されます。',
  events: 'イベント',
  moreEvents: 'ほかに {n} 件',
  moreGroups: 'ほかに {n} グループあります。',
  count: '({n})',
  trouble: '▲ {n} 人に問題',
  timeLeft: '残り {time}',
  perSecond: '{n} メッセージ/秒',
  listeners: '受信中 {n}',
  host: 'ホスト',
  polls: 'ポーリング',
  slow: '遅れています',
  cutOff: '切断',
  silent: '応答なし',
  lost: 'いなくなりました',
  noValues: '値はまだありません',
  invite: '参加のしかた',
  inviteTo: '「{name}」に参加する',
  inviteHint: 'QRコードを読み取るか、次のアドレスを開いてください。',
  close: '閉じる',
  dissolve: '解散する',
  dissolveGroup: '「{name}」を解散しますか？',
  dissolveHint: '全員の接続が切れ、共有した値は消えます。元には戻せません。',
  dissolveFailed: '解散できませんでした。',
  cancel: 'やめる',
  ended: '終わったグループ',
  endDissolved: '{name}：解散しました',
  endHostLeft: '{name}：ホストが抜けました',
  endTimeOver: '{name}：時間になりました',
  endHostLost: '{name}：ホストの応答がなくなりました',
  bill: 'AWSで同じことをした場合の料金（目安）',
  billText: 'リクエスト {requests}、メッセージ {messages}、接続 {minutes} 分、データベース {units} ユニット',
  prices: '{region} の {date} の定価による（税・無料枠を含まず）。',
  countFromNow: '今から数え直す',
  qr: '参加用QRコード',
};

const easy = {
  ...ja,
  title: 'メッシュ [教|きょう][室|しつ]ボード',
  adminKey: '[先生|せんせい]の キー',
  keyHint: 'サーバーを うごかしたときに でた [先生|せんせい]の キーを [入|い]れて ください。',
  wrongKey: 'この キーでは ひらけません。もういちど たしかめて ください。',
  open: 'ひらく',
  connecting: 'つないでいます…',
  live: 'つながっています',
  broken: 'サーバーに つながりません。つなぎなおしています…',
  tooMany: 'ボードを ひらいている [画|が][面|めん]が [多|おお]すぎます。',
  nodes: '[参|さん][加|か]している [人|ひと]',
  rate: 'メッセージ（1[秒|びょう]）',
  nobody: 'まだ グループは ありません。だれかが つくると ここに [出|で]ます。',
  moreEvents: 'ほかに {n}こ',
  moreGroups: 'ほかに {n}グループ あります。',
  trouble: '▲ こまっている [人|ひと] {n}',
  timeLeft: 'のこり {time}',
  perSecond: '1[秒|びょう]に {n}メッセージ',
  listeners: '[聞|き]いている [人|ひと] {n}',
  host: 'グループを [作|つく]った [人|ひと]',
  polls: 'ときどき [聞|き]く',
  slow: 'おそくなっています',
  cutOff: '[切|き]れています',
  silent: 'へんじが ありません',
  lost: 'いなくなりました',
  noValues: 'まだ [値|あたい]は ありません',
  invite: '[入|はい]りかた',
  inviteTo: '「{name}」に [入|はい]る',
  inviteHint: 'QRコードを よむか、[下|した]の アドレスを ひらいて ください。',
  close: 'とじる',
  dissolve: 'おわりにする',
  dissolveGroup: '「{name}」を おわりに しますか？',
  dissolveHint: 'みんなの つながりが [切|き]れて、[値|あたい]が [消|き]えます。もとには もどせません。',
  dissolveFailed: 'おわりに できませんでした。',
  ended: 'おわった グループ',
  endDissolved: '{name}：おわりました',
  endHostLeft: '{name}：[作|つく]った [人|ひと]が ぬけました',
  endTimeOver: '{name}：[時|じ][間|かん]に なりました',
  endHostLost: '{name}：[作|つく]った [人|ひと]の へんじが なくなりました',
  bill: 'AWSで おなじことを したときの お[金|かね]（だいたい）',
  billText: 'おねがい {requests}、メッセージ {messages}、つないだ [時|じ][間|かん] {minutes}[分|ふん]、データベース {units}',
  prices: '{region} {date} の [値|ね][段|だん]で [計|けい][算|さん]しました。',
  countFromNow: '[今|いま]から かぞえる',
  qr: '[入|はい]るための QRコード',
};

const en = {
  title: 'Mesh classroom board',
  language: 'Language',
  adminKey: 'Admin key',
  keyHint: 'The server printed it when it started. It is not the key that pupils use.',
  wrongKey: 'This key does not open the board. Check the admin key.',
  open: 'Open',
  connecting: 'Connecting…',
  live: 'Live',
  broken: 'The server does not answer. Trying again…',
  tooMany: 'Too many boards are open elsewhere.',
  groups: 'Groups',
  nodes: 'Nodes',
  rate: 'Messages/s',
  nobody: 'There are no groups yet. They appear here as soon as somebody creates one.',
  events: 'Events',
  moreEvents: '{n} more',
  moreGroups: 'There are {n} more groups.',
  count: '({n})',
  trouble: '▲ {n} in trouble',
  timeLeft: '{time} left',
  perSecond: '{n} messages/s',
  listeners: '{n} listening',
  host: 'Host',
  polls: 'Polling',
  slow: 'Slow',
  cutOff: 'Cut off',
  silent: 'Silent',
  lost: 'Lost',
  noValues: 'No values yet',
  invite: 'Join',
  inviteTo: 'Join “{name}”',
  inviteHint: 'Scan the code, or open this address.',
  close: 'Close',
  dissolve: 'Dissolve',
  dissolveGroup: 'Dissolve “{name}”?',
  dissolveHint: 'Everybody is disconnected and the shared values are gone. This cannot be undone.',
  dissolveFailed: 'The group could not be dissolved.',
  cancel: 'Cancel',
  ended: 'Groups that ended',
  endDissolved: '{name}: dissolved',
  endHostLeft: '{name}: its host left',
  endTimeOver: '{name}: its time was over',
  endHostLost: '{name}: its host was lost',
  bill: 'What the same would cost on AWS (estimate)',
  billText: '{requests} requests, {messages} messages, {minutes} connection minutes, {units} table units',
  prices: 'List prices of {region} as of {date}, without taxes and free tiers.',
  countFromNow: 'Count from now',
  qr: 'QR code for joining',
};

const LANGUAGES = { ja, easy, en };
const KEPT = 'mesh-board-language';

let current = localStorage.getItem(KEPT) ?? (navigator.language.startsWith('ja') ? 'ja' : 'en');
if (!(current in LANGUAGES)) current = 'ja';

export const language = () => current;

/** Changes the language of everything that was said. */
export const speak = chosen => {
  current = chosen;
  localStorage.setItem(KEPT, chosen);
  document.documentElement.lang = chosen === 'en' ? 'en' : 'ja';
  for (const element of document.querySelectorAll('[data-word]')) render(element);
  document.title = plain('title');
};

/** Fills an element with a phrase, in whatever language is chosen, then or later. */
export const say = (element, word, values = {}) => {
  const said = JSON.stringify(values);
  if (element.dataset.word === word && element.dataset.values === said) return;
  element.dataset.word = word;
  element.dataset.values = said;
  render(element);
};

/** A phrase as text, for what can hold no furigana. */
export const plain = (word, values = {}) =>
  fill(LANGUAGES[current][word].replace(/\[([^|\]]+)\|[^\]]+\]/g, '$1'), values);

const render = element => {
  const { word, values } = element.dataset;
  const filled = JSON.parse(values ?? '{}');
  const parts = LANGUAGES[current][word].split(/\[([^|\]]+)\|([^\]]+)\]/);
  element.replaceChildren();
  // Every third part is a word, and the one after it how it is read.
  for (let place = 0; place < parts.length; place += 3) {
    element.append(fill(parts[place], filled));
    if (place + 1 < parts.length) element.append(ruby(parts[place + 1], parts[place + 2]));
  }
};

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

const ruby = (word, reading) => {
  const element = document.createElement('ruby');
  const over = document.createElement('rt');
  over.textContent = reading;
  element.append(word, over);
  return element;
};
