/** Platform alarms through HTTP: shown, filtered and routed like every other, under names that nobody else can take. */
import { describe, expect, it } from 'vitest';
import type { AlarmFilter } from '#alerts/records/queries.ts';
import { createLinkSigner } from '#model/alarms/acknowledge-link.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { platformDetail } from '#model/alarms/platform-says.ts';
import { anAlarm, NOW_MS, startApi, TAOCHA } from '#tests/helpers/api.ts';

const ALARM: Alarm = anAlarm({
  id: '12-0-0123456789',
  key: 'platform/_platform/store.unreachable',
  rule: 'platform',
  station: '_platform',
  parameter: 'store.unreachable',
  value: null,
  unit: '1',
  limit: null,
  op: null,
  target: null,
  class: null,
  multiple: null,
  detail: platformDetail('store.unreachable', 'ECONNREFUSED <8086>'),
});

describe('platform alarms', () => {
  it('are listed by their station and their rule, with what to do', async () => {
    const rig = await startApi();
    const filters: AlarmFilter[] = [];
    rig.queries.alarms = async (filter) => {
      filters.push(filter);
      return [ALARM];
    };
    const { statusCode, json } = await rig.call('GET', '/api/v1/alarms?station=_platform&rule=platform', {
      as: 'viewer',
    });
    expect(statusCode).toBe(200);
    expect(filters).toMatchObject([{ station: '_platform', rule: 'platform' }]);
    expect(json().items).toMatchObject([{ station: '_platform', value: null, unit: '1', detail: ALARM.detail }]);
    expect((await rig.call('GET', '/api/v1/alarms?state=raised')).json().items).toHaveLength(1);
  });

  it('that an earlier version kept, and alarms about readings, have no detail', async () => {
    const rig = await startApi();
    const { detail: _detail, ...old } = anAlarm();
    rig.queries.alarm = async () => old as Alarm;
    const response = await rig.call('GET', `/api/v1/alarms/${old.id}`);
    expect([response.statusCode, response.json().detail]).toEqual([200, null]);
  });

  it('show what to do behind an acknowledgement link, where a value would stand', async () => {
    const rig = await startApi();
    rig.queries.alarm = async () => ALARM;
    const claims = { alarm: ALARM.id, channel: 'duty', notice: 'n', sentMs: NOW_MS, untilMs: NOW_MS + 60_000 };
    const link = createLinkSigner(rig.deps.linkSecret).sign(claims);
    const page = await rig.call('GET', `/a/${link}`, { as: 'nobody' });
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('ECONNREFUSED &lt;8086&gt;. What to do: Start InfluxDB');
    expect(page.body).toContain('<td>InfluxDB 无应答 InfluxDB does not answer (store.unreachable)</td>');
    expect(page.body).toContain('具体情况：ECONNREFUSED &lt;8086&gt;。处理办法：');
    expect(page.body).not.toContain('null');
  });

  it.each([
    ['stations/_platform', TAOCHA],
    ['stations/_gateways', TAOCHA],
    ['rules/platform', { kind: 'class', severity: 'major' }],
  ])('keep their names: PUT %s is refused', async (path, body) => {
    const rig = await startApi();
    const response = await rig.call('PUT', `/api/v1/${path}`, { body });
    expect([response.statusCode, response.json().code]).toEqual([400, 'id.invalid']);
    expect((await rig.call('GET', `/api/v1/${path}`)).statusCode).toBe(404);
    const other = path.startsWith('stations') ? 'stations/platform' : 'rules/_platform';
    expect((await rig.call('PUT', `/api/v1/${other}`, { body })).statusCode).toBe(201);
  });

  it('can be routed, although no register lists their station and rule', async () => {
    const rig = await startApi();
    const body = [
      { match: { station: ['_platform'] }, channels: ['duty'] },
      { match: { rule: ['platform'] }, channels: ['duty'] },
    ];
    expect((await rig.call('PUT', '/api/v1/routes', { body })).statusCode).toBe(200);
    const swapped = [{ match: { station: ['platform'], rule: ['_platform'] }, channels: ['duty'] }];
    expect((await rig.call('PUT', '/api/v1/routes', { body: swapped })).json().errors).toHaveLength(2);
  });
});
