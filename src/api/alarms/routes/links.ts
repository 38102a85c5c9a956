/**
 * `/a/{signed}`: a page that shows one alarm and a button that acknowledges it. GET changes nothing, or mail scanners
 * would. Whoever opens it is a person, so what can't be done is said on a page, too.
 */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { acknowledging, act, alarmOf } from '#api/alarms/act.ts';
import type { Api } from '#api/api.ts';
import type { ApiDeps } from '#api/deps.ts';
import { escaped } from '#api/markup.ts';
import { Problem } from '#api/problems.ts';
import { documented } from '#api/schemas.ts';
import { createLinkSigner, type LinkClaims } from '#model/alarms/acknowledge-link.ts';
import type { Alarm } from '#model/alarms/alarm.ts';
import { saysOf, titleOf } from '#model/alarms/platform-says.ts';

const params = z.object({ signed: z.string().max(2000) });
const answer = z.string().describe('HTML');

const INVALID = '链接无效。 This link is not valid.';
const EXPIRED = '链接已过期，请登录系统确认。 This link has expired: please log in to acknowledge.';
const USED = '链接已使用，该报警此前已被确认。 This link has been used: the alarm was acknowledged after it was sent.';
const NOTHING_TO_DO = '该报警无需确认。 There is nothing to acknowledge.';
const DONE = '已确认，谢谢。 Acknowledged, thank you.';

export async function linkRoutes(api: Api, deps: ApiDeps): Promise<void> {
  const underway = new Set<string>();
  // The button's form has no fields.
  api.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit: 1024 },
    async () => undefined,
  );

  api.route({
    method: 'GET',
    url: '/a/:signed',
    config: { access: 'public' },
    schema: {
      params,
      ...documented({
        tag: 'alarms',
        summary: 'Shows the alarm of an acknowledgement link; changes nothing',
        answer,
        type: 'text/html',
        faults: ['not-found', 'overloaded'],
        pages: [404],
        isPublic: true,
      }),
    },
    async handler(request, reply) {
      const found = await opened(deps, request.params.signed, reply);
      if (!found) return reply;
      const { link, alarm } = found;
      if (underway.has(link.notice) || (await isUsed(deps, link))) return page(reply, alarmTable(alarm), USED);
      return page(reply, alarmTable(alarm), isOpen(alarm) ? BUTTON : NOTHING_TO_DO);
    },
  });

  api.route({
    method: 'POST',
    url: '/a/:signed',
    config: { access: 'public' },
    schema: {
      params,
      ...documented({
        tag: 'alarms',
        summary: 'Acknowledges the alarm of a link, once',
        answer,
        type: 'text/html',
        faults: ['not-found', 'state.conflict', 'journal.full', 'journal.unwritable', 'overloaded'],
        pages: [404, 409],
        isPublic: true,
      }),
    },
    handler: ({ params: { signed } }, reply) => acknowledge(deps, underway, signed, reply),
  });
}

/** @param underway links whose button was pressed and whose acknowledgement isn't known to everybody yet. */
async function acknowledge(
  deps: ApiDeps,
  underway: Set<string>,
  signed: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const found = await opened(deps, signed, reply);
  if (!found) return reply;
  const { link, alarm } = found;
  // Asked last, since another press of the button may come in between.
  if ((await isUsed(deps, link)) || underway.has(link.notice)) {
    return page(reply.code(409), alarmTable(alarm), USED);
  }
  if (!isOpen(alarm)) return page(reply.code(409), alarmTable(alarm), NOTHING_TO_DO);
  underway.add(link.notice);
  try {
    const acknowledged = await act(deps, `link:${link.channel}`, alarm.id, acknowledging());
    return page(reply, alarmTable(acknowledged), DONE);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'state.conflict') throw error;
    return page(reply.code(409), alarmTable(await alarmOf(deps, alarm.id)), USED);
  } finally {
    underway.delete(link.notice);
  }
}

/** The alarm of a link that is good for now; else it says on a page why not. */
async function opened(
  deps: ApiDeps,
  signed: string,
  reply: FastifyReply,
): Promise<{ link: LinkClaims; alarm: Alarm } | null> {
  const link = createLinkSigner(deps.linkSecret).verify(signed);
  if (!link) return refused(reply, INVALID);
  if (link.untilMs <= deps.clock.nowMs()) return refused(reply, EXPIRED);
  return { link, alarm: await alarmOf(deps, link.alarm) };
}

/** Acknowledged by whomever since the link was sent: what happens to the alarm after that is another matter. */
async function isUsed(deps: ApiDeps, { alarm, sentMs }: LinkClaims): Promise<boolean> {
  const { transitions } = await deps.queries.timeline({ id: alarm });
  return transitions.some(({ event, atMs, actor, from }) => {
    const isAcknowledgement = event === 'acknowledged' || (event === 'cleared' && from === 'returned');
    return isAcknowledgement && actor !== null && atMs >= sentMs;
  });
}

function refused(reply: FastifyReply, why: string): null {
  page(reply.code(404), '', why);
  return null;
}

function isOpen({ state }: Alarm): boolean {
  return state === 'raised' || state === 'returned';
}

const BUTTON = '<form method="post"><button type="submit">确认收到 Acknowledge</button></form>';

function alarmTable(alarm: Alarm): string {
  const { station, parameter, value, unit, severity, state, raisedAtMs, acknowledgedBy, detail } = alarm;
  const [title, says] = [titleOf(alarm), saysOf(alarm)];
  const about = title ? `${title.zh} ${title.en} (${parameter})` : parameter;
  const rows = [
    ['站点 Station', station],
    ['参数 Parameter', value === null ? about : `${about} ${alarm.censored ?? ''}${value} ${unit}`],
    ...(says ? [['说明', says.zh]] : []),
    ...(detail ? [[says ? 'Detail' : '说明 Detail', says?.en ?? detail]] : []),
    ['级别 Severity', severity],
    ['状态 State', acknowledgedBy === null ? state : `${state} (${acknowledgedBy})`],
    ['时间 Since', new Date(raisedAtMs).toISOString()],
  ];
  return `<table>${rows.map(([name, text]) => `<tr><th>${escaped(name!)}</th><td>${escaped(text!)}</td></tr>`).join('')}</table>`;
}

/** @param table of the alarm, or nothing. @param below the button, or why there is none. */
function page(reply: FastifyReply, table: string, below: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(`<!doctype html>
<html lang="zh">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>守井人 Wellkeeper</title></head>
<body><main><h1>守井人 Wellkeeper</h1>
${table}
<p>${below}</p></main></body></html>
`);
}
