/** Browser sessions: the cookie, its Origin check, its end. */
import { describe, expect, it } from 'vitest';
import type { Config } from '#model/config.ts';
import { type ApiRig, startApi, TAOCHA } from '#tests/helpers/api.ts';

const URL = '/api/v1/session';

async function logIn(rig: ApiRig, token: string): Promise<string> {
  const response = await rig.call('POST', URL, { as: 'nobody', body: { token } });
  expect(response.statusCode).toBe(200);
  return String(response.headers['set-cookie']).split(';')[0]!;
}

/** As a browser: the cookie and, on changes, the Origin of the page. */
const asBrowser = (cookie: string, origin?: string, host = 'wk.example') => ({
  as: 'nobody' as const,
  headers: { cookie, host, ...(origin === undefined ? {} : { origin }) },
});

describe('sessions', () => {
  it('are opened with a token and say who one is', async () => {
    const rig = await startApi();
    const response = await rig.call('POST', URL, { as: 'nobody', body: { token: rig.tokens.operator } });
    expect(response.json()).toEqual({ name: 'a-operator', role: 'operator' });
    const cookie = String(response.headers['set-cookie']);
    expect(cookie).toMatch(/^wk_session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(rig.tokens.operator);
    const who = await rig.call('GET', URL, asBrowser(cookie.split(';')[0]!));
    expect(who.json()).toEqual({ name: 'a-operator', role: 'operator' });
  });

  it('are secure when the service is public under https', async () => {
    const rig = await startApi({ config: { publicUrl: 'https://wk.example' } as Partial<Config> });
    const response = await rig.call('POST', URL, { as: 'nobody', body: { token: rig.tokens.viewer } });
    expect(String(response.headers['set-cookie'])).toMatch(/; Secure/);
  });

  it.each([
    ['http://wk.example', null, true],
    ['https://public.example', 'https://public.example', true],
    ['https://public.example', null, false],
    ['http://evil.example', 'https://public.example', false],
    ['null', null, false],
    [undefined, null, false],
  ])('a change from Origin %s under WK_PUBLIC_URL %s is allowed: %s', async (origin, publicUrl, isAllowed) => {
    const rig = await startApi({ config: { publicUrl } });
    const cookie = await logIn(rig, rig.tokens.engineer);
    const response = await rig.call('PUT', '/api/v1/stations/new', { ...asBrowser(cookie, origin), body: TAOCHA });
    if (isAllowed) expect(response.statusCode).toBe(201);
    else expect([response.statusCode, response.json().code]).toEqual([403, 'origin.refused']);
    expect((await rig.call('GET', '/api/v1/stations', asBrowser(cookie))).statusCode).toBe(200);
  });

  it('have the role of their token, and end with it', async () => {
    const rig = await startApi();
    const cookie = await logIn(rig, rig.tokens.viewer);
    const browser = asBrowser(cookie, 'http://wk.example');
    expect((await rig.call('PUT', '/api/v1/stations/new', { ...browser, body: TAOCHA })).json().code).toBe(
      'role.too-low',
    );
    await rig.call('DELETE', '/api/v1/tokens/tk-viewer');
    expect((await rig.call('GET', URL, browser)).statusCode).toBe(401);
  });

  it('end by DELETE, and after twelve hours', async () => {
    const rig = await startApi();
    const [first, second] = [await logIn(rig, rig.tokens.viewer), await logIn(rig, rig.tokens.viewer)];
    const ended = await rig.call('DELETE', URL, asBrowser(first, 'http://wk.example'));
    expect([ended.statusCode, String(ended.headers['set-cookie'])]).toEqual([
      204,
      expect.stringMatching(/^wk_session=;/),
    ]);
    expect((await rig.call('GET', URL, asBrowser(first))).statusCode).toBe(401);
    expect((await rig.call('GET', URL, asBrowser(second))).statusCode).toBe(200);
    rig.clock.advance(12 * 3_600_000);
    expect((await rig.call('GET', URL, asBrowser(second))).statusCode).toBe(401);
  });

  it('are refused to a wrong token, to another site’s page, and after ten failures', async () => {
    const rig = await startApi();
    const wrong = () => rig.call('POST', URL, { as: 'nobody', body: { token: 'wrong' } });
    expect((await wrong()).json().code).toBe('token.invalid');
    const foreign = {
      as: 'nobody',
      body: { token: rig.tokens.viewer },
      headers: { origin: 'http://evil.example' },
    } as const;
    expect((await rig.call('POST', URL, foreign)).json().code).toBe('origin.refused');
    for (let attempt = 1; attempt < 10; attempt++) await wrong();
    const limited = await wrong();
    expect([limited.statusCode, limited.headers['retry-after']]).toEqual([429, '60']);
    expect((await rig.call('GET', URL, asBrowser('wk_session=forged'))).statusCode).toBe(401);
  });
});
