/** Channel `email` against a real SMTP server in this process. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Resolve } from '#alerts/channels/address.ts';
import type { Send } from '#alerts/channels/channel.ts';
import { createEmail, sendToEmail } from '#alerts/channels/email.ts';
import { createDeliver } from '#alerts/channels/smtp.ts';
import type { ChannelOf } from '#model/alarms/channel.ts';
import { ammonia, channelPorts, noticeOf } from '#tests/helpers/alerts/channel-notice.ts';
import { createOutboxRig } from '#tests/helpers/alerts/outbox-rig.ts';
import { hasOpenssl, makeTlsFiles } from '#tests/helpers/tls-files.ts';

interface Got {
  from: string;
  to: string[];
  raw: string;
  isSecure: boolean;
  user: unknown;
}

const refusal = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode });

/** @param refuse what the server says to a recipient, or at the end of the message (`data`). */
async function mailServer(refuse: Record<string, Error | undefined> = {}, options: SMTPServerOptions = {}) {
  const got: Got[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onRcptTo: ({ address }, _session, done) => done(refuse[address] ?? null),
    async onData(stream, { envelope, secure, user }, done) {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      if (refuse.data) return done(refuse.data);
      const { mailFrom, rcptTo } = envelope;
      const from = mailFrom ? mailFrom.address : '';
      got.push({
        from,
        to: rcptTo.map(({ address }) => address),
        raw: Buffer.concat(chunks).toString(),
        isSecure: secure,
        user,
      });
      done();
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { got, port: (server.server.address() as AddressInfo).port };
}

const channelAt = (port: number, over: Partial<ChannelOf<'email'>> = {}): ChannelOf<'email'> => ({
  kind: 'email',
  url: `smtp://127.0.0.1:${port}`,
  from: 'wells@example.org',
  to: 'a@example.org, b@example.org',
  tls: 'never',
  ...over,
});
const decoded = (raw: string, type: string): string => {
  const part = raw.slice(raw.indexOf(`Content-Type: ${type}`));
  const body = part.slice(part.indexOf('\r\n\r\n') + 4).split('\r\n--')[0]!;
  if (/quoted-printable/i.test(part.slice(0, 200))) {
    const bytes = body
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString();
  }
  return Buffer.from(body, 'base64').toString();
};

describe('a mail', () => {
  it('is plain text with an HTML alternative, threaded by alarm, known again by its notice', async () => {
    const { got, port } = await mailServer();
    const notice = noticeOf('raised', [ammonia({ severity: 'critical' })]);
    const sent = await sendToEmail(channelAt(port), notice, channelPorts());
    expect(sent).toEqual({
      outcome: 'sent',
      status: '2 of 2 have it',
      receipts: ['a@example.org', 'b@example.org'].map((to) => ({ to, outcome: 'sent', status: '250' })),
    });
    const [mail] = got;
    expect([mail!.from, mail!.to]).toEqual(['wells@example.org', ['a@example.org', 'b@example.org']]);
    for (const header of [
      `Message-ID: <${notice.id}@example.org>`,
      'References: <alarm-a-1@example.org>',
      'Auto-Submitted: auto-generated',
      'X-Priority: 1',
      'Content-Type: multipart/alternative',
    ]) {
      expect(mail!.raw).toContain(header);
    }
    expect(decoded(mail!.raw, 'text/plain')).toContain('监测值：0.83 mg/L');
    expect(decoded(mail!.raw, 'text/html')).toContain('<td>≤ 0.5 mg/L（Ⅱ类）</td>');
  });

  it('can’t be given a header or a recipient by a name', async () => {
    const { got, port } = await mailServer();
    const names = {
      station: () => ({ zh: '站\r\nBcc: thief@example.org\r\n\r\n<script>', en: 'x' }),
      parameter: () => undefined,
      timeZone: 'UTC',
    };
    await sendToEmail(channelAt(port), noticeOf('raised'), channelPorts({ names }));
    expect(got[0]!.to).toEqual(['a@example.org', 'b@example.org']);
    expect(got[0]!.raw.split('\r\n\r\n')[0]).not.toMatch(/^Bcc/im);
    expect(decoded(got[0]!.raw, 'text/html')).toContain('&lt;script&gt;');
  });
});

describe('each recipient', () => {
  it('has its own outcome: 4xx is tried again, 5xx is not, and who has it isn’t sent it again', async () => {
    const refuse: Record<string, Error | undefined> = {
      'b@example.org': refusal(451, 'greylisted'),
      'c@example.org': refusal(550, 'no such user'),
    };
    const { got, port } = await mailServer(refuse);
    const channel = channelAt(port, { to: 'a@example.org b@example.org;c@example.org' });
    const first = await sendToEmail(channel, noticeOf('raised'), channelPorts());
    expect(first).toMatchObject({
      outcome: 'failed-for-now',
      receipts: [
        { to: 'a@example.org', outcome: 'sent' },
        { to: 'b@example.org', outcome: 'failed-for-now', status: expect.stringContaining('451') },
        { to: 'c@example.org', outcome: 'failed-for-good', status: expect.stringContaining('550') },
      ],
    });
    const receipts = new Map(first.receipts!.map(({ to, outcome }) => [to, outcome]));
    refuse['b@example.org'] = undefined;
    const second = await sendToEmail(channel, { ...noticeOf('raised'), receipts }, channelPorts());
    expect(got.map(({ to }) => to)).toEqual([['a@example.org'], ['b@example.org']]);
    expect(second).toEqual({
      outcome: 'failed-for-good',
      status: '2 of 3 have it',
      receipts: [{ to: 'b@example.org', outcome: 'sent', status: '250' }],
    });
  });

  it.each([
    [421, 'failed-for-now'],
    [450, 'failed-for-now'],
    [451, 'failed-for-now'],
    [452, 'failed-for-now'],
    [503, 'failed-for-now'],
    [550, 'failed-for-good'],
    [552, 'failed-for-good'],
    [554, 'failed-for-good'],
  ])('%i at RCPT and after DATA: %s', async (code, outcome) => {
    const rcpt = await mailServer({ 'a@example.org': refusal(code, 'no'), 'b@example.org': refusal(code, 'no') });
    const data = await mailServer({ data: refusal(code, 'no') });
    for (const { port, got } of [rcpt, data]) {
      const sent = await sendToEmail(channelAt(port), noticeOf('raised'), channelPorts());
      expect([sent.outcome, sent.receipts!.map((one) => one.outcome), got]).toEqual([outcome, [outcome, outcome], []]);
      expect(sent.status).toContain(String(code));
    }
  });
});

describe('the session', () => {
  it('is TLS with a log-in, by STARTTLS or from the start', async (context) => {
    if (!hasOpenssl) return context.skip('openssl is not installed');
    const directory = mkdtempSync(join(tmpdir(), 'wk-mail-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const files = makeTlsFiles(directory);
    const [key, cert, ca] = [files.serverKey, files.serverCert, files.ca].map((path) => readFileSync(path, 'utf8'));
    const options: SMTPServerOptions = {
      key,
      cert,
      disabledCommands: [],
      onAuth: ({ username, password }, _session, done) =>
        password === 'right' ? done(null, { user: username }) : done(refusal(535, 'wrong password')),
    };
    const log = { user: 'wells', secret: 'right', ca } as const;
    for (const secure of [false, true]) {
      const { got, port } = await mailServer({}, { ...options, secure });
      const url = `${secure ? 'smtps' : 'smtp'}://127.0.0.1:${port}`;
      const channel = channelAt(port, { ...log, url, tls: 'required' });
      expect(await sendToEmail(channel, noticeOf('raised'), channelPorts())).toMatchObject({ outcome: 'sent' });
      expect(got).toMatchObject([{ isSecure: true, user: 'wells' }]);
      const wrong = await sendToEmail({ ...channel, secret: 'wrong' }, noticeOf('raised'), channelPorts());
      expect(wrong.outcome).toBe('failed-for-good');
      expect(wrong.status).toContain('535');
      expect(JSON.stringify(wrong)).not.toMatch(/wrong\b(?! password)/);
      // A certificate that nobody vouches for may be replaced by tomorrow.
      const unknown = await sendToEmail({ ...channel, ca: undefined }, noticeOf('raised'), channelPorts());
      expect([unknown.outcome, got.length]).toEqual(['failed-for-now', 1]);
    }
  });

  it('is not begun in the clear when TLS is required', async () => {
    const { got, port } = await mailServer();
    const sent = await sendToEmail(channelAt(port, { tls: 'required' }), noticeOf('raised'), channelPorts());
    expect([sent.outcome === 'sent', got]).toEqual([false, []]);
    const offered = await sendToEmail(channelAt(port, { tls: 'if-offered' }), noticeOf('raised'), channelPorts());
    expect([offered.outcome, got.length]).toEqual(['sent', 1]);
  });

  it('is not waited for without end, and a server that is away is one for now', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const quick = createEmail(createDeliver(undefined, { stepMs: 60, allMs: 5000 }));
    expect((await quick(channelAt(port), noticeOf('raised'), channelPorts())).outcome).toBe('failed-for-now');
    const away = await sendToEmail(channelAt(1), noticeOf('raised'), channelPorts());
    expect([away.outcome, away.status]).toEqual(['failed-for-now', expect.stringContaining('ECONNREFUSED')]);
  });

  it('goes to no private address, whatever a name leads to', async () => {
    const { got, port } = await mailServer();
    const closed = channelPorts({ policy: { allow: [], allowLoopback: false } });
    const resolve: Resolve = (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]);
    const named = createEmail(createDeliver(resolve));
    for (const [send, url] of [
      [sendToEmail, `smtp://127.0.0.1:${port}`],
      [named, `smtp://mail.example:${port}`],
    ] as const) {
      const sent = await send(channelAt(port, { url }), noticeOf('raised'), closed);
      expect([sent.outcome, sent.status]).toEqual([
        'failed-for-good',
        expect.stringContaining('channel.address-refused'),
      ]);
    }
    expect(got).toEqual([]);
  });

  it('ends when the service does', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const stop = new AbortController();
    const sending = sendToEmail(
      channelAt((silent.address() as AddressInfo).port),
      noticeOf('raised'),
      channelPorts({ signal: stop.signal }),
    );
    silent.once('connection', () => stop.abort());
    expect((await sending).outcome).toBe('failed-for-now');
  });
});

describe('an SMTP server that is unreachable for a day', () => {
  it('gets everything once, in order, when it is back; nothing else waited for it', async () => {
    const { got, port } = await mailServer();
    const closedPort = 1;
    const channel = channelAt(closedPort, { to: 'a@example.org' });
    const rig = createOutboxRig({ hook: channel, other: channelAt(port, { to: 'other@example.org' }) });
    rig.senders = { email: sendToEmail as Send };
    const raised = rig.add('a');
    const other = rig.add('a', 'raised', 'other');
    rig.start();
    await rig.advanceReal(12 * 3_600_000, 20_000);
    const cleared = rig.add('a', 'cleared');
    rig.wake();
    await rig.advanceReal(12 * 3_600_000, 20_000);
    expect(rig.row(other)).toMatchObject({ state: 'sent', attempts: [{ outcome: 'sent' }] });
    const { attempts, state } = rig.row(raised);
    expect([state, attempts.length > 250, attempts.length < 320]).toEqual(['pending', true, true]);
    expect(rig.row(cleared).attempts).toEqual([]);
    rig.channels.hook = channelAt(port, { to: 'a@example.org' });
    await rig.advanceReal(600_000, 20_000);
    await rig.close();
    expect([rig.row(raised).state, rig.row(cleared).state]).toEqual(['sent', 'sent']);
    const ids = got
      .filter(({ to }) => to[0] === 'a@example.org')
      .map(({ raw }) => /X-Wellkeeper-Notice: (\w+)/i.exec(raw)![1]);
    expect(ids).toEqual([raised, cleared]);
  });
});
