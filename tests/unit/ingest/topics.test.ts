import { describe, expect, it } from 'vitest';
import {
  ALARMS_FILTER,
  alarmTopic,
  isAlarmTopic,
  isGatewayLeaf,
  ledgerTopic,
  parseGatewayTopic,
  readingsTopic,
  rejectedTopic,
} from '#ingest/transports/topics.ts';

describe('topics', () => {
  it('are those of the contract', () => {
    expect(readingsTopic('gw-1')).toBe('wk/v1/gw-1/readings');
    expect(rejectedTopic('gw-1')).toBe('wk/v1/gw-1/rejected');
    expect(ledgerTopic('gw-1')).toBe('wk/v1/gw-1/ledger');
    expect(alarmTopic('taocha', '17-nh3n')).toBe('wk/alarms/v1/taocha/17-nh3n');
    expect(ALARMS_FILTER).toBe('wk/alarms/v1/#');
  });

  it.each([
    ['wk/v1/gw-1/readings', { gateway: 'gw-1', leaf: 'readings' }],
    ['wk/v1/gw-1/hj212/reply', { gateway: 'gw-1', leaf: 'hj212/reply' }],
    ['wk/v1/_x.Y-9/anything', { gateway: '_x.Y-9', leaf: 'anything' }],
    ['wk/v1/gw-1/readings/', { gateway: 'gw-1', leaf: 'readings/' }],
    ['wk/v1/gw-1/', null],
    ['wk/v1/gw-1', null],
    ['wk/v1//readings', null],
    ['wk/v1/gw 1/readings', null],
    [`wk/v1/${'x'.repeat(65)}/readings`, null],
    ['/wk/v1/gw-1/readings', null],
    ['wk/v2/gw-1/readings', null],
    ['', null],
  ])('%s is taken apart', (topic, parts) => {
    expect(parseGatewayTopic(topic)).toEqual(parts);
  });

  it('knows the leaves of the contract, no others', () => {
    for (const leaf of ['readings', 'rejected', 'ledger', 'senml', 'hj212', 'hj212/reply']) {
      expect(isGatewayLeaf(leaf)).toBe(true);
    }
    for (const leaf of ['', 'Readings', 'readings/', 'toString']) expect(isGatewayLeaf(leaf)).toBe(false);
  });

  it('keeps alarm filters below their root', () => {
    for (const filter of ['wk/alarms/v1/#', 'wk/alarms/v1/+/+', 'wk/alarms/v1/taocha/#']) {
      expect(isAlarmTopic(filter)).toBe(true);
    }
    for (const filter of ['#', '+/alarms/v1/#', 'wk/#', 'wk/alarms/#', 'wk/alarms/v1/', 'wk/alarms/v1', '$SYS/#']) {
      expect(isAlarmTopic(filter)).toBe(false);
    }
  });
});
