/** What operators and engineers do about alarms beyond acknowledging: reset, hand over, rehearse a rule, look at figures. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, routeToDuty, startTestService, type TestService } from '#tests/helpers/service.ts';
import {
  closeBrowser,
  findingsEverywhere,
  logIn,
  noBrowser,
  openReader,
  type Reader,
} from '#tests/helpers/web/browser.ts';

const MINUTE_MS = 60_000;

let service: TestService;
let engineer: Reader;
let viewer: Reader;

interface Alarm {
  id: string;
  state: string;
  latched: boolean;
  acknowledgedBy: string | null;
}

async function alarms(search: string): Promise<Alarm[]> {
  return (await service.call<{ items: Alarm[] }>('GET', `/alarms?${search}`)).body.items;
}

async function tell(station: string, minutesAgo: number, values: Record<string, number>): Promise<void> {
  const time = new Date(Date.now() - minutesAgo * MINUTE_MS).toISOString();
  expect((await service.call('POST', '/readings', { station, time, values })).status).toBe(202);
}

async function token(role: string): Promise<string> {
  const { body } = await service.call<{ token: string }>('POST', '/tokens', { name: `an ${role}`, role });
  return body.token;
}

/** A station whose ammonia comes and goes, another where it was high once, and a rule that latches. */
async function tellThePast(): Promise<void> {
  const rule = { kind: 'threshold', parameters: ['turbidity'], op: '<=', limit: 50, severity: 'major', latch: true };
  expect((await service.call('PUT', '/rules/turbid', rule)).status).toBe(201);
  for (const [ago, nh3n] of [
    [60, 0.61],
    [55, 0.58],
    [50, 0.66],
    [45, 0.2],
    [40, 0.9],
    [35, 0.2],
    [30, 0.7],
  ] as const) {
    await tell('shending-mouth', ago, { nh3n });
  }
  await tell('sihe-mouth', 60, { nh3n: 0.55 });
  await tell('sihe-mouth', 55, { nh3n: 0.21 });
  await tell('taocha', 60, { turbidity: 70 });
  await tell('taocha', 55, { turbidity: 12 });
  await eventually('the latched alarm', async () => (await alarms('rule=turbid'))[0]?.latched === true);
}

describe.skipIf(noBrowser)(`alarms and rules on the dashboard${noBrowser ? ` (${noBrowser})` : ''}`, () => {
  beforeAll(async () => {
    service = await startTestService();
    await routeToDuty(service);
    await tellThePast();
    engineer = await openReader(service.url);
    await logIn(engineer.page, await token('engineer'));
    viewer = await openReader(service.url);
    await logIn(viewer.page, await token('viewer'));
  }, 120_000);
  afterAll(async () => {
    await closeBrowser();
    await service?.remove();
  });

  it('hands a latched alarm over, takes it back, and resets it', async () => {
    const { page } = engineer;
    const [{ id }] = (await alarms('rule=turbid')) as [Alarm];
    await page.goto(`/alarms/${encodeURIComponent(id)}?state=all`);
    const detail = page.locator('.alarm-detail');
    await detail.getByText('to be reset', { exact: true }).first().waitFor();
    expect(await detail.getByRole('button', { name: 'Hand over' }).count()).toBe(0);
    await detail.getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await detail.locator('.deed-form').getByRole('button', { name: 'Acknowledge' }).click();

    await detail.getByRole('button', { name: 'Hand over' }).click();
    const send = detail.locator('.deed-form').getByRole('button', { name: 'Hand over' });
    await send.click();
    // To nobody it isn't sent.
    expect((await alarms('rule=turbid'))[0]!.acknowledgedBy).toBe('an engineer');
    await detail.getByLabel('To whom').fill('night-shift');
    await detail.getByLabel('Comment (optional)').fill('Second sample at 20:00');
    await send.click();
    await detail.locator('.changes').getByText('acknowledged by an engineer → night-shift').waitFor();
    await detail.locator('.timeline').getByText('Second sample at 20:00').waitFor();

    await detail.getByRole('button', { name: 'Give back' }).click();
    await detail.locator('.deed-form').getByRole('button', { name: 'Give back' }).click();
    await detail.locator('.changes').getByText('acknowledged by night-shift → –').waitFor();

    await detail.getByRole('button', { name: 'Reset' }).click();
    await detail.getByLabel('Comment (optional)').fill('Flushed and read again');
    await detail.locator('.deed-form').getByRole('button', { name: 'Reset' }).click();
    await detail.locator('.changes').getByText('to be reset yes → no').waitFor();
    expect(await alarms('rule=turbid')).toMatchObject([{ id, state: 'returned', latched: false }]);
    await detail
      .getByText(/version \d+ of the rule/)
      .first()
      .waitFor();
  });

  it('finds what chatters, says so in words, and leads to what came first', async () => {
    const { page } = engineer;
    await page.goto('/alarms?state=all');
    await page.getByLabel('chattering').check();
    await page.getByText(/^1 · /).waitFor();
    expect(new URL(page.url()).searchParams.get('chattering')).toBe('true');
    const row = page.locator('.inbox tbody tr');
    await row.getByText('chattering', { exact: true }).waitFor();
    await row.getByRole('link').click();
    await page.locator('.alarm-detail').getByText('number 3 within 60 min').waitFor();
    await page.getByRole('link', { name: 'the alarm of this station that came first' }).click();
    await page
      .locator('.alarm-detail .facts')
      .getByText(/^0\.9\smg\/L$/)
      .waitFor();
  });

  it('shows the figures of operators as the service reckons them, by range', async () => {
    const { page } = engineer;
    await page.goto('/alarms');
    await page.getByRole('button', { name: 'Operators’ figures' }).click();
    await page.getByRole('button', { name: 'Day', exact: true }).click();
    const address = new URL(page.url()).searchParams;
    expect([address.get('tab'), address.get('range')]).toEqual(['figures', 'P1D']);
    const { body } = await service.call<{ count: number; per10Min: { max: number } }>('GET', '/alarms/figures');
    const figure = (name: string) => page.locator('.key-figure').filter({ hasText: name });
    await figure('Alarms told of')
      .getByText(new RegExp(`^${body.count}0 withdrawn`))
      .waitFor();
    await figure('Alarms per 10 min').getByText(`at most ${body.per10Min.max}`).waitFor();
    await figure('Alarms per 10 min').getByText('acceptable (≤ 1)').waitFor();
    await page.getByRole('row', { name: /^Shending River mouth · Ammonia nitrogen · class-target 3/ }).waitFor();
    await page.getByRole('row', { name: /^turbid 1/ }).waitFor();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('region', { name: 'By station' }).getByRole('button', { name: 'CSV' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('alarms-by-station.csv');
  });

  it('rehearses a change of a rule before it is saved, against what the present one raised', async () => {
    const { page } = engineer;
    await page.goto('/rules');
    await page.getByRole('link', { name: 'class-target' }).click();
    await page.getByLabel('Parameters').fill('nh3n');
    await page.getByLabel('For', { exact: true }).fill('PT10M');
    await page.getByLabel('Samples in a row').fill('3');
    const before = await service.call('GET', '/rules/class-target');
    await page.getByRole('button', { name: 'Rehearse' }).click();
    const figure = (name: string) => page.locator('.rehearsed .key-figure').filter({ hasText: name });
    await figure('Would have raised')
      .getByText(/^1minor 1/)
      .waitFor();
    await figure('The present rule raised').getByText('Missed 3 · Added 0').waitFor();
    await page.getByRole('img', { name: 'On the time axis: 1 raised, 3 missed' }).waitFor();
    await page.getByRole('row', { name: /Shending River mouth Ammonia nitrogen 0\.66 mg\/L/ }).waitFor();
    await page.getByRole('row', { name: /Si River mouth Ammonia nitrogen 0\.55 mg\/L/ }).waitFor();
    expect((await service.call('GET', '/rules/class-target')).body).toEqual(before.body);

    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved: it counts for what arrives from now on.').waitFor();
    const { body } = await service.call('GET', '/rules/class-target');
    const says = { zh: expect.stringContaining('氨氮'), en: expect.stringContaining('ammonia nitrogen') };
    expect(body).toEqual({ ...before.body, parameters: ['nh3n'], for: 'PT10M', minSamples: 3, says });
  });

  it('shows what the service says against a rule at its member, and keeps what was typed', async () => {
    const { page } = engineer;
    await page.goto('/rules?new=threshold');
    await page.getByLabel('Id of the rule').fill('chlorophyll');
    await page.getByLabel('Parameters').fill('chla, nonsense');
    await page.getByLabel('Alarms above', { exact: true }).fill('26 or so');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('This is no number.').waitFor();
    await page.getByLabel('Alarms above', { exact: true }).fill('26');
    await page.getByRole('button', { name: 'Save' }).click();
    await page
      .locator('.rule-fault')
      .getByText(/nonsense/)
      .waitFor();
    expect(await page.getByLabel('Parameters').getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Parameters').fill('chla');
    await page.getByLabel('Id of the rule').fill('turbid');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('There is a rule "turbid" already').waitFor();
    await page.getByLabel('Id of the rule').fill('chlorophyll');
    await page.getByLabel('Other members (JSON)').fill('{ "steps": [ { "limit": 50, "severity": "major" } ] }');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'chlorophyll' }).waitFor();
    const { body } = await service.call('GET', '/rules/chlorophyll');
    expect(body).toMatchObject({ kind: 'threshold', above: 26, steps: [{ limit: 50, severity: 'major' }] });
    await page.locator('.rule-says').getByText('alarms when chlorophyll a is above 26 µg/L').waitFor();
  });

  it('says which kinds can not be rehearsed', async () => {
    const { page } = engineer;
    await page.goto('/rules?new=missing');
    await page.getByRole('button', { name: 'Rehearse' }).click();
    await page.getByRole('alert').getByText('is about when readings arrived').waitFor();
  });

  it('ends a rehearsal when it is cancelled or left', async () => {
    const { page } = engineer;
    // Held back here, so that it certainly runs when it is ended.
    await page.route('**/rules/rehearse', () => undefined);
    for (const leave of [
      () => page.getByRole('button', { name: 'Cancel' }).click(),
      () => page.getByRole('link', { name: 'Volumes' }).click(),
    ]) {
      await page.goto('/rules/class-target');
      await page.getByRole('button', { name: 'Rehearse' }).click();
      await page.getByText(/^Rehearsing for/).waitFor();
      const ended = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/rules/rehearse'));
      await leave();
      expect((await ended).failure()?.errorText).toContain('ABORTED');
    }
    await page.unroute('**/rules/rehearse');
  });

  it('shows a viewer what rules say, and no way to change them', async () => {
    const { page } = viewer;
    await page.goto('/rules/turbid');
    await page.locator('.rule-says').getByText('alarms when turbidity is above 50 NTU').waitFor();
    // What was put as what must hold is shown as what alarms.
    expect(await page.getByLabel('Alarms above', { exact: true }).inputValue()).toBe('50');
    expect(await page.getByLabel('Alarms above', { exact: true }).isDisabled()).toBe(true);
    for (const name of ['Save', 'Rehearse']) expect(await page.getByRole('button', { name }).count(), name).toBe(0);
  });

  it('says on every page that nobody is told, in both languages, until somebody is', async () => {
    const { page } = engineer;
    await service.call('PUT', '/routes', [{ match: {}, channels: ['log'] }]);
    for (const path of ['/', '/rules', '/gateways']) {
      await page.goto(path);
      await page.getByText('Nobody is told of alarms.').waitFor();
    }
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByText('报警目前不会通知任何人。').waitFor();
    await page.getByRole('button', { name: 'English' }).click();
    await routeToDuty(service);
    await page.getByText('Nobody is told of alarms.').waitFor({ state: 'detached' });
  });

  it('passes axe with a rehearsal shown and forms open, in both themes and on a phone', async () => {
    const { page } = engineer;
    await page.goto('/rules/class-target');
    await page.getByRole('button', { name: 'Rehearse' }).click();
    await page.locator('.rehearsed').waitFor();
    expect(await findingsEverywhere(page)).toEqual([]);
  });

  it('had no error in the console but the refusals that were asked for', () => {
    expect(engineer.wrongs.filter((wrong) => !/status of 4(00|09)|ERR_ABORTED/.test(wrong))).toEqual([]);
    expect(viewer.wrongs).toEqual([]);
  });
});
