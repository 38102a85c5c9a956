/** The part of a made-up InfluxDB that the canary asks, so that a test's own server says what its test is about and nothing else. */

/** What an InfluxDB answers to the canary: fields merge, and a deletion deletes. Null: it is no question of the canary's. */
export function canaryServer() {
  const points = new Map<string, Record<string, string>>();
  return (url: string, body: string): { status: number; body?: string } | null => {
    const asked = decodeURIComponent(body.replaceAll('+', ' '));
    if (!asked.includes('wk_canary')) return null;
    if (url.includes('/write')) {
      const [, fields, time] = body.split(' ') as [string, string, string];
      const given = Object.fromEntries(fields.split(',').map((field) => field.split('=') as [string, string]));
      points.set(time, { ...points.get(time), ...given });
      return { status: 204 };
    }
    if (asked.includes('q=DELETE')) points.clear();
    if (url.includes('/delete')) {
      const { start, stop } = JSON.parse(body) as { start: string; stop: string };
      const isInside = (time: string) => Number(time) >= Date.parse(start) && Number(time) <= Date.parse(stop);
      for (const time of [...points.keys()].filter(isInside)) points.delete(time);
    }
    const values: (number | string | null)[][] = [];
    const columns = asked.includes('count(') ? ['time', 'count'] : ['time', 'value', 'flag', 'deviceFlag', 'seq'];
    const at = /time >= (?:(\d+)ms|'([^']+)')/.exec(asked);
    const timeMs = at?.[1] ?? String(Date.parse(at?.[2] ?? ''));
    const point = points.get(timeMs);
    if (asked.includes('count(') && points.size > 0) values.push([Number(timeMs), 1]);
    else if (point)
      values.push([
        Number(timeMs),
        Number(point.value),
        Number(point.flag),
        point.deviceFlag!.replaceAll('"', ''),
        Number(point.seq),
      ]);
    const series = values.length > 0 ? [{ columns, values }] : undefined;
    return { status: 200, body: JSON.stringify({ results: [{ series }] }) };
  };
}
