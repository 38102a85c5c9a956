/**
 * A notice as people read it: which facts are told, in which order, in which words. How it is marked up is the
 * channel's affair (render.ts). Values keep six significant digits; limits are as the standard has them.
 */

import type { GroupView, Notice } from '#alerts/telling/notice.ts';
import {
  type Again,
  type AlarmEvent,
  CANAL_STATION,
  GATEWAYS_STATION,
  LOSS_PARAMETER,
  SEVERITIES,
} from '#model/alarms/alarm.ts';
import type { alarmView } from '#model/alarms/alarm-view.ts';
import { PLATFORM_STATION } from '#model/alarms/platform.ts';
import { titleOf } from '#model/alarms/platform-says.ts';
import { durationMs } from '#model/duration.ts';
import { en } from './en.ts';
import type { Language } from './language.ts';
import { zh } from './zh.ts';

const LANGUAGES = { zh, en } as const;
export type LanguageId = keyof typeof LANGUAGES;

/** Names that texts use instead of ids. */
export interface Names {
  station(id: string): Readonly<Record<LanguageId, string>> | undefined;
  parameter(id: string): Readonly<Record<LanguageId, string>> | undefined;
  /** Times are told in this zone, with its offset. */
  timeZone: string;
}

const NO_NAMES: Names = { station: () => undefined, parameter: () => undefined, timeZone: 'Asia/Shanghai' };

export interface Message {
  /** One line, with the product's name. */
  title: string;
  facts: readonly { label: string; value: string }[];
  /** The alarms of a digest or a summary, the most severe first. */
  items: readonly string[];
  /** How many items were left out, and how to say so. */
  hidden: number;
  more: (hidden: number) => string;
  /** What there is to press: taking the alarm over, then looking at it. */
  links: readonly { text: string; url: string }[];
  colon: string;
  /** All of it in one sentence, for an SMS. */
  short: string;
  isUrgent: boolean;
}

type AlarmView = ReturnType<typeof alarmView>;

/** The JSON object that every channel is handed; webhooks get it as it is. */
export interface Payload {
  event: AlarmEvent;
  again?: Again;
  alarm: AlarmView;
  alarms?: AlarmView[];
  /** Of a summary: the notices that it stands for. */
  told?: { notice: string; event: AlarmEvent; alarms: string[] }[];
  /** Of a summary: what its notices have in common. */
  group?: GroupView;
  /** Of the alarm of a gateway: the stations whose silence follows from it. */
  covers?: { count: number; stations: string[] };
  /** Of an escalation: for how long nobody has acknowledged it. */
  after?: string;
  url?: string;
  acknowledgeUrl?: string;
}

const ITEMS_MAX = 100;
const STATIONS_MAX = 20;

export function payloadOf(notice: Pick<Notice, 'payload'>): Payload {
  return JSON.parse(notice.payload) as Payload;
}

/** @param names where stations and parameters have their names; without them their ids are told. */
export function composeMessage(notice: Pick<Notice, 'payload'>, languageId: LanguageId, names = NO_NAMES): Message {
  const payload = payloadOf(notice);
  const words = wordsOf(languageId, names);
  const { language } = words;
  const isMany = payload.told !== undefined || (payload.alarms?.length ?? 0) > 1;
  const items = isMany ? itemsOf(payload, words) : [];
  const told = isMany ? manyTold(payload, words) : words.sentence(payload.alarm, payload.event, payload.again);
  const head =
    payload.event === 'test'
      ? named(language.events, 'test')
      : words.headline(payload.alarm, payload.event, payload.again);
  const title = isMany ? `${named(language.events, payload.event)}${language.colon}${told}` : head;
  return {
    title: `【${language.product}】${title}${isMany || payload.event === 'test' ? '' : ` ${words.subject(payload.alarm)}`}`,
    facts:
      payload.event === 'test'
        ? [testFact(language)]
        : isMany
          ? []
          : [...words.facts(payload.alarm), ...moreFacts(payload, words)],
    items: items.slice(0, ITEMS_MAX),
    hidden: Math.max(0, items.length - ITEMS_MAX),
    more: language.more,
    links: [
      ...(payload.acknowledgeUrl === undefined ? [] : [{ text: language.acknowledge, url: payload.acknowledgeUrl }]),
      ...(payload.url === undefined ? [] : [{ text: language.open, url: payload.url }]),
    ],
    colon: language.colon,
    short: payload.event === 'test' ? language.test : isMany ? `${told}${language.comma}${items[0]}` : told,
    isUrgent: (payload.event === 'raised' || payload.event === 'escalated') && payload.alarm.severity === 'critical',
  };
}

/** What templates of channel `sms` may name, of the notice's (first) alarm. */
export function placeholderTexts(notice: Notice, languageId: LanguageId, names = NO_NAMES) {
  const { alarm, event, acknowledgeUrl = '' } = payloadOf(notice);
  const words = wordsOf(languageId, names);
  return {
    text: composeMessage(notice, languageId, names).short,
    notice: notice.id,
    event,
    severity: alarm.severity,
    station: words.station(alarm.station),
    parameter: words.about(alarm),
    value: alarm.value === null ? '' : measured(alarm),
    unit: alarm.unit,
    limit: alarm.limit === null ? '' : String(alarm.limit),
    class: alarm.class === null ? '' : named(words.language.classes, alarm.class),
    time: words.time(alarm.breachStart),
    acknowledgeUrl,
  };
}

function testFact(language: Language): Message['facts'][number] {
  return { label: named(language.events, 'test'), value: language.test };
}

function moreFacts({ covers, after }: Payload, { language, station }: Words): Message['facts'] {
  const { labels } = language;
  const facts: { label: string; value: string }[] = [];
  if (after !== undefined) {
    facts.push({ label: labels.unacknowledged, value: language.duration(durationMs(after)) });
  }
  if (covers !== undefined) {
    const named = covers.stations.slice(0, STATIONS_MAX).map(station);
    facts.push({ label: labels.covers, value: language.stations(covers.count, named, covers.count - named.length) });
  }
  return facts;
}

/** A condition of the platform by its title. */
function bondName({ kind, name }: GroupView, id: LanguageId): string {
  const title = kind === 'platform' ? titleOf({ station: PLATFORM_STATION, parameter: name ?? '' }) : undefined;
  return title?.[id] ?? name ?? '';
}

function manyTold({ alarm, alarms = [], told, group }: Payload, { id, language, subject }: Words): string {
  if (told === undefined) return language.digest(alarms.length);
  if (group === undefined) return language.summary(told.length, alarms.length);
  if (group.reason === 'quiet') return language.quiet(told.length, alarms.length);
  if (group.reason === 'chattering' || group.kind === 'alarm') {
    // Where many chatter, some of them go together.
    const what = group.kind === 'rest' ? language.bonds.rest('') : subject(alarm);
    return language.chattering(what, group.raises, group.ends);
  }
  return language.flood(language.bonds[group.kind](bondName(group, id)), told.length, alarms.length, group.over);
}

/** One line for each notice of a summary or each alarm of a digest, the most severe first. */
function itemsOf({ alarm: first, alarms = [], told, group, event }: Payload, words: Words): string[] {
  const byId = new Map(alarms.map((alarm) => [alarm.id, alarm]));
  const counted = group?.counted === undefined ? [] : [{ event: 'counted' as const, alarms: [first.id] }];
  const many = told ? [...counted, ...told] : [{ event, alarms: alarms.map(({ id }) => id) }];
  const lines = many.flatMap((one) =>
    one.alarms.flatMap((id) => {
      const alarm = byId.get(id);
      return alarm ? [{ alarm, event: one.event }] : [];
    }),
  );
  const weight = ({ alarm }: { alarm: AlarmView }) => SEVERITIES.indexOf(alarm.severity);
  return lines.toSorted((a, b) => weight(b) - weight(a)).map((line) => words.sentence(line.alarm, line.event));
}

type Words = ReturnType<typeof wordsOf>;

/** The turns of phrase about one alarm, in one language. */
function wordsOf(id: LanguageId, names: Names) {
  const language: Language = LANGUAGES[id];
  const { labels, comma, aside } = language;
  const kept = keptNames(language);
  const station = (name: string) => kept[name] ?? names.station(name)?.[id] ?? name;
  const parameter = (name: string) => (name === LOSS_PARAMETER ? language.loss : (names.parameter(name)?.[id] ?? name));
  const about = ({ parameter: name, title }: AlarmView) => title?.[id] ?? parameter(name);
  const time = (instant: string) => localTime(instant, names.timeZone);
  const withUnit = (text: string, unit: string) => (unit === '1' || unit === '' ? text : `${text} ${unit}`);
  const className = (name: string) => named(language.classes, name);
  const value = (alarm: AlarmView) => (alarm.value === null ? null : withUnit(measured(alarm), alarm.unit));
  const limit = ({ limit: bound, op, unit, target }: AlarmView) => {
    if (bound === null) return null;
    return `${sign(op)} ${withUnit(String(bound), unit)}${target === null ? '' : aside(className(target))}`;
  };
  const worst = ({ worst: most, severity, unit }: AlarmView) => {
    if (!most) return null;
    const parts = [
      most.value === null ? null : withUnit(measured(most), unit),
      most.class === null ? null : className(most.class),
      most.severity === severity ? null : named(language.severities, most.severity),
    ].filter((part) => part !== null);
    return parts.length === 0 ? null : `${parts.join(comma)}${aside(time(most.at))}`;
  };
  const headline = (alarm: AlarmView, event: string, again?: Again) => {
    const what = `${named(language.events, event)}${again === undefined ? '' : aside(named(language.again, again))}`;
    return language.headline(named(language.severities, alarm.severity), what);
  };
  const subject = (alarm: AlarmView) => `${station(alarm.station)} ${about(alarm)}`;
  return {
    id,
    language,
    station,
    about,
    time,
    headline,
    subject,
    facts(alarm: AlarmView): Message['facts'] {
      const isNamed = station(alarm.station) !== alarm.station && !Object.hasOwn(kept, alarm.station);
      const told: [keyof Language['labels'], string | null][] = [
        ['station', `${station(alarm.station)}${isNamed ? aside(alarm.station) : ''}`],
        ['parameter', `${about(alarm)}${alarm.station === PLATFORM_STATION ? aside(alarm.parameter) : ''}`],
        ['severity', named(language.severities, alarm.severity)],
        ['value', value(alarm)],
        ['limit', limit(alarm)],
        ['class', alarm.class === null ? null : className(alarm.class)],
        ['multiple', alarm.multiple === null ? null : language.multiple(figure(alarm.multiple))],
        ['worst', alarm.clearedAt !== null || isPast(alarm) ? worst(alarm) : null],
        ['since', `${time(alarm.breachStart)}${alarm.late ? aside(language.late(time(alarm.detectedAt))) : ''}`],
        ['ended', alarm.clearedAt === null ? null : time(alarm.clearedAt)],
        ['by', alarm.acknowledgedBy],
        ['rule', alarm.rule],
        ['detail', alarm.says?.[id] ?? alarm.detail],
      ];
      return told.flatMap(([label, value]) => (value === null ? [] : [{ label: labels[label], value }]));
    },
    sentence(alarm: AlarmView, event: string, again?: Again): string {
      const measured = [subject(alarm), value(alarm)].filter((part) => part !== null).join(' ');
      const bound = limit(alarm);
      const most = isPast(alarm) ? worst(alarm) : null;
      const parts = [
        `${headline(alarm, event, again)}${language.colon}${measured}`,
        bound === null ? null : `${labels.limit} ${bound}`,
        alarm.class === null ? null : `${labels.class} ${className(alarm.class)}`,
        most === null ? null : `${labels.worst} ${most}`,
        time(alarm.clearedAt ?? alarm.breachStart),
      ];
      return parts.filter((part) => part !== null).join(comma);
    },
  };
}

/** Of what stands in the place of a station. */
function keptNames({ platform, canal, gateways }: Language): Record<string, string> {
  return { [PLATFORM_STATION]: platform, [CANAL_STATION]: canal, [GATEWAYS_STATION]: gateways };
}

function named(words: Readonly<Record<string, string>>, word: string): string {
  return Object.hasOwn(words, word) ? words[word]! : word;
}

/** What must hold, as mathematicians write it: `<` and `>` would be markup to some recipients. */
function sign(op: AlarmView['op']): string {
  return op === null ? '' : { '<=': '≤', '>=': '≥', '<': '＜', '>': '＞' }[op];
}

/** With `＜` or `＞` before a value that is only a limit (docs/alarms.md). */
function measured({ value, censored }: Pick<AlarmView, 'value' | 'censored'>): string {
  const limit = censored === undefined ? '' : `${sign(censored)} `;
  return `${limit}${figure(value!)}`;
}

/** Six significant digits, never in scientific notation for what a station measures. */
function figure(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** `2026-11-22 08:00 +08:00`; an instant that isn't one stays as it is. */
function localTime(instant: string, timeZone: string): string {
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) return instant;
  const local = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  const text = local.toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ');
  return `${text} ${local.offset}`;
}

/** Whether it was worse, or more severe, than what it now says. */
function isPast({ worst, value, censored, severity }: AlarmView): boolean {
  // Notices that an earlier version made have none.
  return worst != null && (worst.value !== value || worst.censored !== censored || worst.severity !== severity);
}
