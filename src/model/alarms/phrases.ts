/**
 * What the service itself has to say about what it saw, as codes with their figures: journaled and kept as they are, and
 * put into a language where somebody reads them. What others said (the error of a server) stays in their words. Pure.
 */

const TONGUES = ['zh', 'en'] as const;
export type Tongue = (typeof TONGUES)[number];

/**
 * English, then Chinese. `{n}` is filled in, as a length of time where the name ends in `Ms`; `{n|item was|items were}` is
 * the first for one and the second for more. A phrase that was ever journaled stays here.
 */
const PHRASES = {
  list: ['{each}', '{each}'],
  noted: ['{first}. {note}', '{first}。{note}'],
  'journal.share': ['{percent} % of WK_JOURNAL_MAX_BYTES', '已占 WK_JOURNAL_MAX_BYTES 的 {percent} %'],
  'journal.full-in': ['{share}; full in about {inMs} at this rate', '{share}；按此速度约 {inMs}后占满'],
  'journal.refused': ['{n} commits were refused', '{n} 次提交被拒绝'],
  'quarantine.dropped': ['{n} {n|item was|items were} pushed out', '{n} 个条目被挤出'],
  'damage.more': ['{first}, and {n} more', '{first}，另有 {n} 处'],
  'clock.behind': ['it says {now}, and entries have come at {received}', '时钟为 {now}，而已有条目在 {received} 收到'],
  'follower.by': ['{name} by {lagMs}', '{name} 落后 {lagMs}'],
  'follower.parked': ['{n} {n|entry is|entries are} parked', '{n} 个条目被搁置'],
  'recount.share': [
    'rules {from} to {to}, {done} of {total} hours, {percent} %',
    '统计规则由 {from} 版到 {to} 版，共 {total} 小时，已完成 {done} 小时（{percent} %）',
  ],
  'recount.frozen': [
    '{n} hours stay as they were, their readings are gone (WK_RAW_RETENTION)',
    '{n} 小时保持原样，其读数已按 WK_RAW_RETENTION 删除',
  ],
  'recount.left-out': [
    '{n} series or meters could not be counted anew, see the log',
    '{n} 个序列或计量表未能重新统计，见日志',
  ],
  'routes.nobody': ['no route names a channel other than the log', '没有通知路由指向日志以外的渠道'],
  'letters.sent': ['{gateway} sends {letters}', '{gateway} 发送了 {letters}'],
  'holes.gateway': ['{gateway} lacks {n} {n|message|messages} ({ranges})', '{gateway} 缺 {n} 条消息（{ranges}）'],
  'holes.more': ['and {n} more gateways', '另有 {n} 个网关'],
  'read.stale': ['thread {thread}, {file}, for {seconds} s', '线程 {thread}，{file}，持续 {seconds} 秒'],
  'session.forgotten': ['the broker had forgotten our session', '代理已忘记我们的会话'],
  'session.older': ['the broker had come back with an older copy of our session', '代理恢复成了我们会话的较旧副本'],
  'device.contested': [
    '{device} of gateway {gateway} from {here} and from {there}',
    '网关 {gateway} 的设备 {device}：分别来自 {here} 和 {there}',
  ],
  'session.lost': ['{cause}, from {from} to {to}', '{cause}，自 {from} 至 {to}'],
  'broker.dropped': ['{n} since it was last asked', '自上次询问以来丢弃 {n} 条'],
  'canary.lost': ['it did not come back', '探测消息没有回来'],
  'canary.hung-up': ['the broker ended the connection each time it was sent', '每次发送时代理都断开连接'],
  'canary.split': ['{topic} arrived as {as}', '{topic} 到达时变为 {as}'],
  'canary.one': ['gateway {id} is not heard', '收不到网关 {id} 的数据'],
  'canary.many': ['{n} gateways, {id} among them, are not heard', '收不到 {n} 个网关（含 {id}）的数据'],
  'access.reached': ['{limit} ({code}), last by {who}', '{limit}（{code}），最近一次来自 {who}'],
  'limit.mqtt.silent': ['MQTT connections that send no CONNECT', '不发送 CONNECT 的 MQTT 连接'],
  'limit.mqtt.connections': ['all MQTT connections taken', 'MQTT 连接全部占满'],
  'limit.mqtt.credential': ['MQTT connections of one credential', '同一凭据的 MQTT 连接'],
  'limit.tcp.silent': ['TCP connections without a frame of a device that is welcome', '未出示合法设备报文的 TCP 连接'],
  'limit.tcp.connections': ['all TCP connections of a listener taken', '某监听端口的 TCP 连接全部占满'],
  'limit.tcp.credential': ['TCP connections of one device', '同一设备的 TCP 连接'],
  'limit.tcp.address': ['frames over TCP of devices that are not welcome', '未登记或不被接受的设备经 TCP 发来的报文'],
  'limit.http.address': ['HTTP connections that show no credential', '不出示凭据的 HTTP 连接'],
  'limit.http.connections': ['all HTTP connections taken', 'HTTP 连接全部占满'],
  'limit.http.credential': ['HTTP connections of one credential', '同一凭据的 HTTP 连接'],
  'limit.stream.address': ['event streams of one address', '同一地址的事件流'],
  'limit.stream.credential': ['event streams of one credential', '同一凭据的事件流'],
  'limit.stream.all': ['all event streams taken', '事件流全部占满'],
  'limit.session.token': ['sessions of one token', '同一令牌的会话'],
  'limit.refusal.address': ['requests without a good credential', '凭据无效的请求'],
  'limit.log-in.address': ['log-ins with a wrong credential', '用错误凭据登录'],
  'silence.since': ['{what} since {at}; one is expected every {everyMs}', '{what}，自 {at} 起；应每 {everyMs}一次'],
  'silence.from-birth': [
    '{what} since it is expected, from {at}; one is expected every {everyMs}',
    '{what}，自应有数据的 {at} 起；应每 {everyMs}一次',
  ],
  'silence.station': ['no reading', '没有读数'],
  'silence.parameter': ['no reading of {parameter}', '没有 {parameter} 的读数'],
  'silence.gateway': ['gateway offline: {n} stations', '网关离线：涉及 {n} 个站点'],
} as const satisfies Record<string, readonly [en: string, zh: string]>;

export type PhraseCode = keyof typeof PHRASES;

/** One phrase with what fills it: phrases within it are put together in the same language. */
export interface Phrase {
  readonly say: PhraseCode;
  readonly of?: Readonly<Record<string, Filling>>;
}
type Filling = string | number | readonly Phrase[];

/** What was seen, part after part: phrases of ours, and words of others. */
export type Said = readonly (Phrase | string)[];

/** What was seen in English, and how to say it in any language; without `said` the words are somebody else's. */
export interface Told {
  readonly detail: string;
  readonly said?: Said | undefined;
}

type Names<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `${infer N}|${string}` ? N : Name) | Names<Rest>
  : never;

/** A phrase whose every place is filled. */
export function phrase<C extends PhraseCode>(
  say: C,
  ...[of]: Names<(typeof PHRASES)[C][0]> extends never ? [] : [of: Record<Names<(typeof PHRASES)[C][0]>, Filling>]
): Phrase {
  return of === undefined ? { say } : { say, of: of as Readonly<Record<string, Filling>> };
}

/** Words, or words of somebody else's. */
export function asTold(words: string | Told): Told {
  return typeof words === 'string' ? { detail: words } : words;
}

export function told(...said: Said): Told {
  return { detail: saidIn('en', said), said };
}

const SEPARATORS: Record<Tongue, readonly [between: string, within: string]> = { en: ['; ', ', '], zh: ['；', '、'] };

/** In a reader's language; a phrase of a newer program is said by its code. */
export function saidIn(tongue: Tongue, said: Said): string {
  return said.map((part) => (typeof part === 'string' ? part : phraseIn(tongue, part))).join(SEPARATORS[tongue][0]);
}

function phraseIn(tongue: Tongue, { say, of = {} }: Phrase): string {
  const texts: readonly [string, string] | undefined = Object.hasOwn(PHRASES, say) ? PHRASES[say] : undefined;
  const text = texts?.[tongue === 'en' ? 0 : 1] ?? say;
  return text.replace(/\{([^}|]+)(?:\|([^}|]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, more?: string) => {
    const filling = of[name];
    if (filling === undefined) return whole;
    if (one !== undefined) return filling === 1 ? one : more!;
    if (typeof filling === 'number') return name.endsWith('Ms') ? lasting(tongue, filling) : String(filling);
    if (typeof filling === 'string') return filling;
    return filling.map((inner) => phraseIn(tongue, inner)).join(SEPARATORS[tongue][1]);
  });
}

const UNITS: Record<Tongue, readonly [second: string, minute: string, hour: string, day: string]> = {
  en: [' s', ' min', ' h', ' days'],
  zh: [' 秒', ' 分钟', ' 小时', ' 天'],
};

/** `40 s`, `7.5 min`, `3.5 h`, `12 days`. */
export function lasting(tongue: Tongue, ms: number): string {
  const [second, minute, hour, day] = UNITS[tongue];
  const minutes = ms / 60_000;
  if (minutes < 1) return `${Math.round(ms / 1000)}${second}`;
  if (minutes < 90) return `${Number(minutes.toFixed(1))}${minute}`;
  const hours = minutes / 60;
  return hours < 48 ? `${Number(hours.toFixed(1))}${hour}` : `${Math.round(hours / 24)}${day}`;
}
