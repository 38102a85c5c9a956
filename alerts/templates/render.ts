/**
 * Messages as the channels' formats want them, with everything that came from outside (names, details, words of
 * operators) made harmless for the format: no name can become a heading, a link, a mention or a tag.
 */
import type { Message } from './message.ts';

/** Characters that the robots' Markdown gives a meaning, and the full-width ones that look like them. */
const MARKDOWN: Readonly<Record<string, string>> = {
  '*': '＊',
  _: '＿',
  '`': '｀',
  '#': '＃',
  '<': '＜',
  '>': '＞',
  '[': '［',
  ']': '］',
  '\\': '＼',
  '~': '～',
  '|': '｜',
  '@': '＠',
};
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Without line ends and other control characters, which would begin a line, a header or a field of their own. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

/** The robots know no escapes that all of their clients agree on, so what has a meaning is replaced. */
export function escapeMarkdown(text: string): string {
  return oneLine(text).replace(/[*_`#<>[\]\\~|@]/g, (character) => MARKDOWN[character]!);
}

export function escapeHtml(text: string): string {
  return oneLine(text).replace(/[&<>"']/g, (character) => HTML[character]!);
}

/** Facts, then items, then how many aren't listed: everything but the title and the links. */
export function linesOf({ facts, items, hidden, more, colon }: Message): string[] {
  return [
    ...facts.map(({ label, value }) => `${label}${colon}${value}`),
    ...items.map((item) => `· ${item}`),
    ...(hidden > 0 ? [more(hidden)] : []),
  ];
}

export function plainText(message: Message): string {
  const links = message.links.map(({ text, url }) => `${text}${message.colon}${url}`);
  const below = links.length === 0 ? [] : ['', ...links];
  return `${[oneLine(message.title), '', ...linesOf(message).map(oneLine), ...below].join('\n')}\n`;
}

/** @param lineEnd what a platform takes for the end of a line. */
export function markdown(message: Message, lineEnd: string): string {
  const links = message.links.map(({ text, url }) => `[${escapeMarkdown(text)}](${linkTarget(url)})`);
  return [`**${escapeMarkdown(message.title)}**`, ...linesOf(message).map(escapeMarkdown), ...links].join(lineEnd);
}

export function html(message: Message): string {
  const { title, facts, items, hidden, more, links } = message;
  const rows = facts.map(
    ({ label, value }) => `<tr><th align="left">${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return [
    '<!doctype html><html><head><meta charset="utf-8"></head><body>',
    `<h3>${escapeHtml(title)}</h3>`,
    ...(rows.length === 0 ? [] : ['<table cellpadding="4">', ...rows, '</table>']),
    ...(items.length === 0 ? [] : ['<ul>', ...items.map((item) => `<li>${escapeHtml(item)}</li>`), '</ul>']),
    ...(hidden > 0 ? [`<p>${escapeHtml(more(hidden))}</p>`] : []),
    ...links.map(({ text, url }) => `<p><a href="${escapeHtml(url)}">${escapeHtml(text)}</a></p>`),
    '</body></html>',
    '',
  ].join('\n');
}

/** A URL that ends no link early. */
function linkTarget(url: string): string {
  return url.replace(/[()\s<>]/g, (character) => encodeURIComponent(character).replace('(', '%28').replace(')', '%29'));
}

/**
 * The message, shortened until what `render` makes of it has at most `maxBytes` of UTF-8: items go first, from the
 * least severe, and are counted as hidden; then long values are cut. Nothing is left out without saying so.
 */
export function shortened(message: Message, maxBytes: number, render: (message: Message) => string): Message {
  let short = message;
  while (Buffer.byteLength(render(short)) > maxBytes) {
    const next = short.items.length > 0 ? withoutItems(short) : withoutWords(short);
    if (next === null) break;
    short = next;
  }
  return short;
}

export function fitted(message: Message, maxBytes: number, render: (message: Message) => string): string {
  return render(shortened(message, maxBytes, render));
}

function withoutItems(message: Message): Message {
  const keep = Math.floor(message.items.length * 0.8);
  return { ...message, items: message.items.slice(0, keep), hidden: message.hidden + message.items.length - keep };
}

const CUT_LEAST = 40;

function withoutWords(message: Message): Message | null {
  const longest = Math.max(0, ...message.facts.map(({ value }) => value.length));
  if (longest <= CUT_LEAST) return null;
  const cut = (value: string) => (value.length < longest ? value : `${[...value].slice(0, longest / 2).join('')}…`);
  return { ...message, facts: message.facts.map((fact) => ({ ...fact, value: cut(fact.value) })) };
}
