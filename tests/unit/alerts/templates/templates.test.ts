/** What notices say, in both languages, and that nothing in them can become markup. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { en } from '#alerts/templates/en.ts';
import { composeMessage } from '#alerts/templates/message.ts';
import { escapeHtml, escapeMarkdown, fitted, html, markdown, plainText } from '#alerts/templates/render.ts';
import { zh } from '#alerts/templates/zh.ts';
import { ALARM_EVENTS, SEVERITIES } from '#model/alarms/alarm.ts';
import { CLASSES } from '#model/class.ts';
import { ammonia, NAMES, noticeOf, summaryOf } from '#tests/helpers/alerts/channel-notice.ts';

describe('the languages', () => {
  it.each([zh, en])('$product has a word for every event, severity and class', ({ events, severities, classes }) => {
    expect(Object.keys(events).sort()).toEqual([...ALARM_EVENTS].sort());
    expect(Object.keys(severities).sort()).toEqual([...SEVERITIES].sort());
    expect(Object.keys(classes).sort()).toEqual([...CLASSES].sort());
  });

  it('says an alarm in Chinese with limit, unit, class, names and local time', () => {
    const message = composeMessage(noticeOf('raised'), 'zh', NAMES);
    expect(plainText(message)).toBe(
      [
        '【守井人】较重·报警 神定河口 氨氮',
        '',
        '站点：神定河口（shending-mouth）',
        '指标：氨氮',
        '级别：较重',
        '监测值：0.83 mg/L',
        '限值：≤ 0.5 mg/L（Ⅱ类）',
        '水质类别：Ⅲ类',
        '超标：0.66 倍',
        '开始时间：2026-11-22 08:00 +08:00',
        '规则：class-target',
        '',
        '查看详情：https://wells.example/#/alarms/a-1',
        '',
      ].join('\n'),
    );
    expect(message.short).toBe(
      '较重·报警：神定河口 氨氮 0.83 mg/L，限值 ≤ 0.5 mg/L（Ⅱ类），水质类别 Ⅲ类，2026-11-22 08:00 +08:00',
    );
  });

  it.each([
    ['zh', '【守井人】较重·报警（搁置到期，仍未恢复） 神定河口 氨氮'],
    ['en', '【Wellkeeper】Major alarm (shelving has just ended) Shending River mouth Ammonia nitrogen'],
  ] as const)('says in %s why an alarm is told once more', (language, title) => {
    const payload = JSON.stringify({ ...JSON.parse(noticeOf('raised').payload), again: 'shelf-ended' });
    const message = composeMessage({ payload }, language, NAMES);
    expect(message.title).toBe(title);
    expect(message.short).toContain(title.slice(title.indexOf('】') + 1, title.search(/[)）]/)));
  });

  it('says the same in English, and ids where there are no names', () => {
    const message = composeMessage(noticeOf('cleared', [ammonia({ clearedAtMs: Date.UTC(2026, 10, 22, 3) })]), 'en');
    expect(plainText(message)).toContain('Value: 0.83 mg/L\nLimit: ≤ 0.5 mg/L (Class II)\nWater class: Class III\n');
    expect(plainText(message)).toContain('Ended: 2026-11-22 11:00 +08:00');
    expect(message.title).toBe('【Wellkeeper】Major cleared shending-mouth nh3n');
  });

  it('says what a platform alarm means, when data came late, who has acknowledged, and nothing that isn’t there', () => {
    const platform = ammonia({
      station: '_platform',
      parameter: 'store.unreachable',
      value: null,
      unit: '1',
      limit: null,
      op: null,
      target: null,
      class: null,
      multiple: null,
      acknowledgedBy: 'duty-desk',
      late: true,
      detail: 'InfluxDB does not answer.',
    });
    const text = plainText(composeMessage(noticeOf('acknowledged', [platform], null), 'zh', NAMES));
    expect(text).toContain('站点：平台自身\n');
    expect(text).toContain('确认人：duty-desk\n');
    expect(text).toContain('（数据晚到，发现于 2026-11-22 08:00 +08:00）');
    expect(text).toContain('具体情况：InfluxDB does not answer。处理办法：');
    expect(text).not.toMatch(/监测值|限值|水质类别|超标|查看/);
  });

  it('says what a test is for', () => {
    expect(plainText(composeMessage(noticeOf('test', undefined, null), 'en'))).toContain('Reading it means');
    expect(composeMessage(noticeOf('test'), 'zh').title).toBe('【守井人】测试');
  });

  it('lists a digest and a summary, the most severe first', () => {
    const digest = composeMessage(noticeOf('late-found', [ammonia(), ammonia({ id: 'a-2' })]), 'zh', NAMES);
    expect([digest.title, digest.items.length]).toEqual(['【守井人】补传数据发现超标：补传数据中发现 2 条超标记录', 2]);
    const summary = composeMessage(
      summaryOf([
        { event: 'raised', alarm: ammonia({ id: 'x', severity: 'minor' }) },
        { event: 'raised', alarm: ammonia({ id: 'y', severity: 'critical' }) },
        { event: 'cleared', alarm: ammonia({ id: 'y', severity: 'critical' }) },
      ]),
      'zh',
      NAMES,
    );
    expect(summary.title).toBe('【守井人】汇总：3 条通知合并，涉及 2 个报警');
    expect(summary.items.map((item) => item.split('：')[0])).toEqual(['严重·报警', '严重·解除', '一般·报警']);
  });
});

describe('what comes from outside', () => {
  const nasty = fc.string({
    unit: fc.constantFrom(...'*_`#<>[]()\\~|@&"\'\n\r\u2028\t!a水 '.split('')),
    maxLength: 40,
  });
  const named = (name: string) => ({ ...NAMES, station: () => ({ zh: name, en: name }) });

  it('stays inside its line and its field', () => {
    fc.assert(
      fc.property(nasty, nasty, (name, detail) => {
        const notice = noticeOf('raised', [ammonia({ detail, acknowledgedBy: name })]);
        const plain = composeMessage(
          noticeOf('raised', [ammonia({ detail: 'd', acknowledgedBy: 'n' })]),
          'zh',
          named('n'),
        );
        const message = composeMessage(notice, 'zh', named(name));
        expect(plainText(message).split('\n')).toHaveLength(plainText(plain).split('\n').length);
        expect(markdown(message, '\n').split('\n')).toHaveLength(markdown(plain, '\n').split('\n').length);
        const tags = (text: string) => text.match(/<[^>]*>/g)!.map((tag) => tag.split(' ')[0]);
        expect(tags(html(message))).toEqual(tags(html(plain)));
      }),
    );
  });

  it('keeps no character that the robots’ Markdown or HTML gives a meaning', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(escapeMarkdown(text)).not.toMatch(/[*_`#<>[\]\\~|@\n\r\u2028]/);
        expect(escapeHtml(text)).not.toMatch(/[<>"'\n\r\u2028]|&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
    );
    expect(escapeMarkdown('<@all> [click](http://x) **b**')).toBe('＜＠all＞ ［click］(http://x) ＊＊b＊＊');
  });

  it('fits: items go first and are counted, then long words are cut', () => {
    const many = Array.from({ length: 90 }, (_, n) => ({ event: 'raised' as const, alarm: ammonia({ id: `a${n}` }) }));
    const text = fitted(composeMessage(summaryOf(many), 'en', NAMES), 2000, plainText);
    const listed = text.split('\n').filter((line) => line.startsWith('· ')).length;
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2000);
    expect(text).toContain(`${90 - listed} more are not listed`);
    const long = composeMessage(noticeOf('raised', [ammonia({ detail: '水'.repeat(5000) })]), 'zh', NAMES);
    const cut = fitted(long, 2000, plainText);
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(2000);
    expect(cut).toContain('水…');
    expect(cut).toContain('监测值：0.83 mg/L');
  });
});
