/** "What would become of this?": a payload through the same door, changing nothing. */
import { useState } from 'preact/hooks';
import { type Answer, addressOf, answerOf, askAll, Failure } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { serviceNowMs } from '../core/now.ts';
import { useResource } from '../core/resource.ts';
import { stations } from '../core/watch.ts';
import { parameterName, stationName } from '../station/names.ts';
import { ClassMark, FlagMark } from '../ui/marks.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { failureText } from '../ui/states.tsx';
import { type Column, Table } from '../ui/table.tsx';

type Decoded = Answer<'POST /decode'>;

function example(): string {
  const time = new Date(Math.floor(serviceNowMs() / 60_000) * 60_000).toISOString().replace('.000', '');
  const station = stations.value.has('taocha') ? 'taocha' : [...stations.value.keys()][0];
  return JSON.stringify(
    { station, time, values: { ph: 7.92, do: 9.1, nh3n: { value: 80, unit: 'ug/L', flag: 'N' } } },
    null,
    2,
  );
}

/** What was typed: JSON, a frame of HJ 212, else what the gateway speaks, where that isn't JSON, else CSV. */
function mediaTypeOf(payload: string, protocol = 'json'): string {
  if (/^\s*[[{]/.test(payload)) return 'application/json';
  if (/^\s*##\d{4}/.test(payload)) return 'application/x-hj212';
  return protocol === 'json' ? 'text/csv' : 'text/plain';
}

/** As it was typed: what isn't JSON gets the service's own verdict, too. @throws Failure */
async function decode(payload: string, gateway: string, protocol: string | undefined): Promise<Decoded> {
  const response = await fetch(addressOf('POST /decode', { query: { gateway: gateway || undefined } }), {
    method: 'POST',
    headers: { 'content-type': mediaTypeOf(payload, protocol) },
    body: payload,
  }).catch(() => {
    throw new Failure(0, 'unreachable', '');
  });
  return answerOf<Decoded>(response);
}

export function TryPayloadSheet() {
  const gateways = useResource('gateways', (signal) => askAll('GET /gateways', { signal }));
  const [payload, setPayload] = useState(example);
  const [gateway, setGateway] = useState('');
  const [verdict, setVerdict] = useState<Decoded | string | null>(null);
  const run = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      const { protocol } = gateways.data?.find(({ id }) => id === gateway) ?? {};
      setVerdict(await decode(payload, gateway, protocol));
    } catch (error) {
      setVerdict(error instanceof Failure ? `${error.code}: ${failureText(error)}` : String(error));
    }
  };
  return (
    <Sheet title={t('tryPayload')} name="try-sheet" note={t('tryNote')}>
      <form class="try-form" onSubmit={run}>
        <label class="field">
          <span class="field-label">{t('asGateway')}</span>
          <select value={gateway} onChange={(event) => setGateway(event.currentTarget.value)}>
            <option value="">{t('anyGateway')}</option>
            {(gateways.data ?? []).map(({ id }) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </select>
        </label>
        <label class="try-text">
          <span class="unseen">{t('payload')}</span>
          <textarea
            rows={9}
            spellcheck={false}
            value={payload}
            onInput={(event) => setPayload(event.currentTarget.value)}
          />
        </label>
        <p>
          <button type="submit" class="primary">
            {t('tryIt')}
          </button>
        </p>
      </form>
      <div role="status">
        {typeof verdict === 'string' && <p class="trouble">{verdict}</p>}
        {verdict !== null && typeof verdict === 'object' && <Verdict verdict={verdict} />}
      </div>
    </Sheet>
  );
}

function Verdict({ verdict: { readings, faults } }: { verdict: Decoded }) {
  const columns: Column<Decoded['readings'][number]>[] = [
    { head: t('station'), isName: true, cell: ({ station }) => stationName(station, stations.value) },
    { head: t('parameter'), cell: ({ parameter }) => parameterName(parameter) },
    { head: t('time'), cell: ({ time }) => format.second(time) },
    { head: t('value'), align: 'end', cell: ({ value, unit, censored }) => format.withUnit(value, unit, censored) },
    { head: t('class'), cell: (reading) => <ClassMark of={reading.class} /> },
    { head: t('quality'), cell: ({ flag, deviceFlag }) => <FlagMark flag={flag} deviceFlag={deviceFlag} /> },
  ];
  return (
    <>
      <p class="hint">{t('decodedCount', { readings: readings.length, faults: faults.length })}</p>
      {faults.map((fault) => (
        <p key={`${fault.path} ${fault.code}`} class="fault">
          <code class="code">{fault.code}</code> {fault.path && <code>{fault.path}</code>}{' '}
          <span lang="en">{fault.message}</span>
        </p>
      ))}
      {readings.length > 0 && (
        <Table
          columns={columns}
          rows={readings}
          keyOf={({ station, parameter, time }) => `${station} ${parameter} ${time}`}
          caption={t('decoded')}
        />
      )}
    </>
  );
}
