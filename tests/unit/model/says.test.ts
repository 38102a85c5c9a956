/** What alarms say in words: made of what was kept, in the reader's language (docs/channels.md). */
import { describe, expect, it } from 'vitest';
import { platformStep } from '#alerts/life/platform.ts';
import { composeMessage } from '#alerts/templates/message.ts';
import { ACCESS_LIMITS } from '#model/access-limits.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { alarmView } from '#model/alarms/alarm-view.ts';
import { phrase, type Said, saidIn, told } from '#model/alarms/phrases.ts';
import { PLATFORM_CONDITIONS, type PlatformCondition } from '#model/alarms/platform.ts';
import { PLATFORM_ZH } from '#model/alarms/platform-zh.ts';
import type { PlatformChange } from '#model/entry.ts';

const T0 = Date.UTC(2026, 10, 30);
const CHINESE = /\p{Script=Han}/u;

function raised(condition: PlatformCondition, seen: { detail: string; said?: Said | undefined }): Alarm {
  const change: PlatformChange = { verb: 'platform', condition, state: 'begun', sinceMs: T0, ...seen };
  return platformStep(change, undefined, { seq: 7, receivedMs: T0, actor: 'system' })!.alarm;
}

const messageOf = (alarm: Alarm, language: 'zh' | 'en') =>
  composeMessage({ payload: JSON.stringify({ event: 'raised', alarm: alarmView(alarm) }) }, language);

describe('the conditions of the platform', () => {
  it('are called, explained and mended in both languages, with the same codes and settings', () => {
    expect(Object.keys(PLATFORM_ZH)).toEqual(Object.keys(PLATFORM_CONDITIONS));
    for (const [condition, english] of Object.entries(PLATFORM_CONDITIONS)) {
      const chinese = PLATFORM_ZH[condition as PlatformCondition];
      for (const part of ['title', 'meaning', 'remedy'] as const) {
        expect(chinese[part], `${condition}: ${part}`).toMatch(CHINESE);
        expect(english[part], `${condition}: ${part}`).not.toMatch(CHINESE);
        const named = (text: string) =>
          (text.match(/WK_[A-Z_]+|npm run [a-z:]+|(?:GET|PUT|POST) \/\S+?(?=[ ,.;)）。，]|$)/g) ?? []).toSorted();
        expect(named(chinese[part]), `${condition}: ${part}`).toEqual(named(english[part]));
      }
    }
  });

  it('are told in the language of the reader, with what was seen', () => {
    const alarm = raised('quarantine.full', told(phrase('quarantine.dropped', { n: 12 })));
    const { detail, title, says } = alarmView(alarm);
    expect(title).toEqual({ zh: '隔离区已满', en: 'Quarantine is full' });
    expect(says!.en).toBe(detail);
    expect(detail).toContain('Seen: 12 items were pushed out. What to do: See GET');
    expect(says!.zh).toMatch(/^隔离区已满，或某个发送方.*具体情况：12 个条目被挤出。处理办法：在 GET/);
    expect(messageOf(alarm, 'zh').title).toBe('【守井人】较重·报警 平台自身 隔离区已满');
    expect(messageOf(alarm, 'zh').facts).toContainEqual({ label: '指标', value: '隔离区已满（quarantine.full）' });
    expect(messageOf(alarm, 'zh').facts).toContainEqual({ label: '说明', value: says!.zh });
    expect(messageOf(alarm, 'en').facts).toContainEqual({ label: 'Detail', value: detail });
  });

  it('keep the words of others as they are', () => {
    const { says } = alarmView(raised('store.unauthorized', { detail: '401 unauthorized access' }));
    expect(says!.zh).toContain('具体情况：401 unauthorized access。');
  });

  it('that an earlier version kept in English alone are explained in Chinese all the same', () => {
    const { said: _, ...old } = raised('store.unauthorized', { detail: '401 from http://[::1]:8086' });
    const { says, detail } = alarmView(old);
    expect(says!.en).toBe(detail);
    expect(says!.zh).toBe(
      'InfluxDB 拒绝了凭据（401 或 403）：读数在日志中等待。具体情况：401 from http://[::1]:8086。处理办法：在 WK_INFLUX_TOKEN 中给出可读写该存储桶的令牌，然后重新启动。',
    );
  });

  it('that a newer version kept stay readable', () => {
    const other = {
      ...raised('clock.behind', { detail: 'x' }),
      detail: 'The clock is wrong.',
      said: undefined as never,
    };
    expect(alarmView(other).says).toMatchObject({
      en: 'The clock is wrong.',
      zh: expect.stringContaining('具体情况：The clock is wrong。'),
    });
    const alarm = { ...raised('clock.behind', { detail: 'x' }), parameter: 'moon.full', detail: 'The moon is full.' };
    expect(alarmView(alarm)).toMatchObject({ detail: 'The moon is full.' });
    expect(alarmView(alarm).title).toBeUndefined();
    expect(saidIn('zh', [{ say: 'moon.phase' as never, of: { n: 1 } }])).toBe('moon.phase');
  });
});

describe('phrases', () => {
  it('count one and more, tell lengths of time, and put phrases into phrases', () => {
    const parts: Said = [
      phrase('follower.parked', { n: 1 }),
      phrase('journal.full-in', { share: [phrase('journal.share', { percent: 81 })], inMs: 26 * 3_600_000 }),
      'ECONNREFUSED',
    ];
    expect(saidIn('en', parts)).toBe(
      '1 entry is parked; 81 % of WK_JOURNAL_MAX_BYTES; full in about 26 h at this rate; ECONNREFUSED',
    );
    expect(saidIn('zh', parts)).toBe(
      '1 个条目被搁置；已占 WK_JOURNAL_MAX_BYTES 的 81 %；按此速度约 26 小时后占满；ECONNREFUSED',
    );
    expect(saidIn('en', [phrase('follower.parked', { n: 2 })])).toBe('2 entries are parked');
    expect(
      saidIn('zh', [phrase('silence.since', { what: [phrase('silence.station')], at: 'T', everyMs: 40_000 })]),
    ).toBe('没有读数，自 T 起；应每 40 秒一次');
  });

  it('name each limit on access as the log does', () => {
    for (const [limit, text] of Object.entries(ACCESS_LIMITS)) {
      expect(saidIn('en', [phrase(`limit.${limit as keyof typeof ACCESS_LIMITS}`)])).toBe(text);
    }
  });
});
