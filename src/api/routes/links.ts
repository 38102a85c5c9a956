/** `/a/{signed}`: a page that shows one alarm and a button that acknowledges it. GET changes nothing, or mail scanners would. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Alarm } from '#model/alarm.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { createUsedLinks, type LinkClaims, verifyLink } from '../links.ts';
import { escaped } from '../markup.ts';
import { Problem } from '../problems.ts';
import { documented } from '../schemas/common.ts';
import { actAs, alarmOf, demandAcknowledgeable } from './alarms.ts';

const params = z.object({ signed: z.string().max(2000) });
const page = z.string().describe('HTML');

export async function linkRoutes(api: Api, deps: ApiDeps): Promise<void> {
  const used = createUsedLinks();
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
        answer: page,
        type: 'text/html',
        faults: ['not-found', 'overloaded'],
        isPublic: true,
      }),
    },
    async handler(request, reply) {
      const alarm = await alarmOf(deps, claimsOf(deps, request.params.signed).alarm);
      return html(reply, alarm, isOpen(alarm));
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
        answer: page,
        type: 'text/html',
        faults: ['not-found', 'state.conflict', 'journal.full', 'journal.unwritable', 'overloaded'],
        isPublic: true,
      }),
    },
    async handler(request, reply) {
      const link = claimsOf(deps, request.params.signed);
      if (used.isUsed(link)) throw new Problem('state.conflict', 'This link has been used.');
      demandAcknowledgeable(await alarmOf(deps, link.alarm));
      // Asked again, since another press of the button may have come in between.
      if (used.isUsed(link)) throw new Problem('state.conflict', 'This link has been used.');
      used.use(link, deps.clock.nowMs());
      const acknowledged = await actAs(deps, `link:${link.channel}`, link.alarm, demandAcknowledgeable, (alarm) => ({
        verb: 'acknowledge',
        alarm,
      }));
      return html(reply, acknowledged, false);
    },
  });
}

function claimsOf(deps: ApiDeps, signed: string): LinkClaims {
  const link = verifyLink(deps.linkSecret, signed, deps.clock.nowMs());
  if (!link) throw new Problem('not-found', 'The link is not valid, or it has expired.');
  return link;
}

function isOpen({ state }: Alarm): boolean {
  return state === 'raised' || state === 'returned';
}

function html(reply: FastifyReply, alarm: Alarm, withButton: boolean): FastifyReply {
  const { station, parameter, value, unit, severity, state, raisedAtMs, acknowledgedBy, detail } = alarm;
  const rows = [
    ['站点 Station', station],
    ['参数 Parameter', value === null ? parameter : `${parameter} ${value} ${unit}`],
    ...(detail ? [['说明 Detail', detail]] : []),
    ['级别 Severity', severity],
    ['状态 State', acknowledgedBy === null ? state : `${state} (${acknowledgedBy})`],
    ['时间 Since', new Date(raisedAtMs).toISOString()],
  ];
  const button = '<form method="post"><button type="submit">确认收到 Acknowledge</button></form>';
  return reply
    .type('text/html; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(`<!doctype html>
<html lang="zh">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>守井人 Wellkeeper</title><link rel="stylesheet" href="/static/start.css"></head>
<body><main><h1>守井人 Wellkeeper</h1>
<table>${rows.map(([name, text]) => `<tr><th>${escaped(name!)}</th><td>${escaped(text!)}</td></tr>`).join('')}</table>
${withButton ? button : ''}</main></body></html>
`);
}
