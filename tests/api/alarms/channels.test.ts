/** Channels over HTTP: secrets that are never shown, what must exist, test sends, dead letters. */
import { describe, expect, it } from 'vitest';
import type { NoticeRow } from '#alerts/records/queries.ts';
import { type ApiRig, startApi } from '#tests/helpers/api.ts';

const put = (rig: ApiRig, id: string, body: object) => rig.call('PUT', `/api/v1/channels/${id}`, { body });

const ENTRIES = [
  [
    'mail',
    {
      kind: 'email',
      url: 'smtp://mail.example:587',
      user: 'wells',
      secret: 'hush-1',
      from: 'wells@example.org',
      to: 'duty@example.org',
      tls: 'required',
    },
  ],
  ['wecom', { kind: 'wecom', token: 'hush-2' }],
  ['dingtalk', { kind: 'dingtalk', token: 'hush-3', secret: 'hush-4', perMinute: 10 }],
  ['feishu', { kind: 'feishu', token: 'hush-5', secret: 'hush-6', language: 'en' }],
  [
    'sms',
    {
      kind: 'sms',
      url: 'https://sms.example/send?k={{token}}',
      method: 'POST',
      headers: { 'x-api-key': '{{secret}}' },
      body: '{"to":"{{to}}","text":"{{text}}"}',
      to: '13800000000',
      secret: 'hush-7',
      token: 'hush-8',
    },
  ],
] as const;

describe('the secrets of channels', () => {
  it.each(ENTRIES)(
    'of %s are in no answer, no log and no audit, and stay when a body without them is put back',
    async (id, entry) => {
      const rig = await startApi();
      const texts: string[] = [(await put(rig, id, entry)).body];
      for (const as of ['viewer', 'operator', 'admin'] as const) {
        texts.push((await rig.call('GET', `/api/v1/channels/${id}`, { as })).body);
        texts.push((await rig.call('GET', '/api/v1/channels', { as })).body);
      }
      const {
        hasSecret: _secret,
        hasToken: _token,
        ...seen
      } = (await rig.call('GET', `/api/v1/channels/${id}`)).json();
      const back = await put(rig, id, { ...seen, perMinute: 7 });
      expect(back.statusCode).toBe(200);
      texts.push(back.body, (await rig.call('GET', '/api/v1/audit')).body, JSON.stringify(rig.logged));
      for (const text of texts) expect(text).not.toContain('hush');
      expect(rig.deps.control.get('channel', id)).toEqual({ ...entry, perMinute: 7 });
      // Another address or kind gets none of them.
      await put(rig, id, { kind: 'webhook', url: 'https://thief.example/' });
      expect(JSON.stringify(rig.deps.control.get('channel', id))).not.toContain('hush');
    },
  );

  it('templates and headers of an SMS gateway are for administrators', async () => {
    const rig = await startApi();
    await put(rig, 'sms', ENTRIES[4][1]);
    const seen = (await rig.call('GET', '/api/v1/channels/sms', { as: 'viewer' })).json();
    expect(seen).toMatchObject({ kind: 'sms', url: 'https://sms.example', to: '13800000000', hasToken: true });
    expect([seen.body, seen.headers]).toEqual([undefined, undefined]);
    await put(rig, 'mail', ENTRIES[0][1]);
    expect((await rig.call('GET', '/api/v1/channels/mail', { as: 'viewer' })).json().url).toBe(
      'smtp://mail.example:587',
    );
  });
});

describe('a channel', () => {
  it('needs its token, its password, and a fallback that is there and leads nowhere back', async () => {
    const rig = await startApi();
    const errors = async (id: string, body: object) =>
      (await put(rig, id, body)).json().errors?.map(({ path }: { path: string }) => path);
    expect(await errors('r', { kind: 'wecom' })).toEqual(['token']);
    expect(await errors('m', { ...ENTRIES[0][1], secret: undefined })).toEqual(['secret']);
    expect(await errors('a', { kind: 'log', fallback: 'nobody' })).toEqual(['fallback']);
    expect(await errors('a', { kind: 'log', fallback: 'a' })).toEqual(['fallback']);
    expect((await put(rig, 'a', { kind: 'log', fallback: 'duty' })).statusCode).toBe(201);
    expect(await errors('duty', { kind: 'log', fallback: 'a' })).toEqual(['fallback']);
    const gone = await rig.call('DELETE', '/api/v1/channels/duty');
    expect([gone.statusCode, gone.json().code]).toEqual([409, 'state.conflict']);
  });
});

const row = (over: Partial<NoticeRow>): NoticeRow => ({
  id: 'n1',
  channel: 'duty',
  event: 'test',
  alarms: [],
  createdAtMs: 0,
  state: 'pending',
  attempts: [],
  ...over,
});

describe('a test send', () => {
  it('answers what happened, once it has', async () => {
    const rig = await startApi();
    let looks = 0;
    rig.queries.notices = async ({ before }) => {
      const createdAtMs = before!.createdAtMs - 1;
      const attempts =
        ++looks < 3
          ? []
          : [{ atMs: createdAtMs, status: 'errcode 93000: invalid webhook url', outcome: 'failed-for-good' as const }];
      return [
        row({ id: 'other', channel: 'another', createdAtMs }),
        row({ createdAtMs, attempts, state: attempts.length > 0 ? 'failed' : 'pending' }),
      ];
    };
    const answer = await rig.call('POST', '/api/v1/channels/duty/test');
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({
      seq: rig.journal.headSeq,
      notice: {
        id: 'n1',
        state: 'failed',
        attempts: [{ status: 'errcode 93000: invalid webhook url', outcome: 'failed-for-good' }],
      },
    });
    expect(looks).toBe(3);
  });
});

describe('dead letters', () => {
  it('are a list, show their receipts, and what was told in a summary is sent again with it', async () => {
    const rig = await startApi();
    const asked: unknown[] = [];
    const receipts = [{ to: 'a@example.org', atMs: 0, status: '550', outcome: 'failed-for-good' as const }];
    rig.queries.notices = async ({ state }) => {
      asked.push(state);
      return [row({ state: 'failed', event: 'raised', receipts, summary: null, fallback: null })];
    };
    const { items } = (await rig.call('GET', '/api/v1/notices?state=dead', { as: 'viewer' })).json();
    expect(asked).toEqual(['dead']);
    expect(items).toMatchObject([
      { id: 'n1', state: 'failed', receipts: [{ to: 'a@example.org', at: '1970-01-01T00:00:00.000Z' }] },
    ]);
    expect(Object.keys(items[0])).not.toContain('fallback');
    rig.queries.notice = async () => row({ state: 'grouped', summary: 's1' });
    const refused = await rig.call('POST', '/api/v1/notices/n1/resend', { as: 'operator' });
    expect([refused.statusCode, refused.json().detail]).toEqual([409, expect.stringContaining('"s1"')]);
  });
});
