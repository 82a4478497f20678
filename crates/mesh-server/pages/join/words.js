/** What the page says; ../board/speech.js knows how to read it. Children read it, so Japanese is easy here. */
const ja = {
  title: 'メッシュに [入|はい]ろう',
  code: 'コード',
  nickname: 'ニックネーム',
  nicknameHint: 'みんなに [見|み]えます。ほんとうの [名|な][前|まえ]は [書|か]かないでね。なくても [入|はい]れます。',
  enter: '[入|はい]る',
  inEditor: 'TurboWarp・Xcratch・PenguinMod で [使|つか]う',
  inEditorHow: '[下|した]のアドレスを [拡張機能|かくちょうきのう]の URL に [入|い]れて、「メッシュに [入|はい]る」ブロックに コードを [入|い]れてください。',
  language: 'ことば',
  wrongCode: 'コードが ちがいます。[先生|せんせい]の [画|が][面|めん]を もういちど [見|み]てください。',
  tooOften: 'たくさん ためしました。1[分|ぷん] まってから もういちど [入|い]れてください。',
  notNow: 'つながりません。すこし まってから もういちど おしてください。',
};

const en = {
  title: 'Join the mesh',
  code: 'Code',
  nickname: 'Nickname',
  nicknameHint: 'Everybody sees it. Do not use your real name. You can come in without one.',
  enter: 'Join',
  inEditor: 'Use it in TurboWarp, Xcratch or PenguinMod',
  inEditorHow: 'Load this address as an extension by URL, and give the code to the block "enter mesh".',
  language: 'Language',
  wrongCode: "This is not the code. Look at the teacher's screen again.",
  tooOften: 'You have tried many times. Wait a minute, and try again.',
  notNow: 'The server does not answer. Wait a little, and try again.',
};

export const PHRASES = { ja, easy: ja, en };
