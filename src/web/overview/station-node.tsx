/** One station in the drawing: a link that says in words what it shows in colour. */
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { hrefOf } from '../core/route.ts';
import { alarmsByStation, latest, type Station } from '../core/watch.ts';
import { breaks, NUMERALS } from '../core/water.ts';
import { parameterName } from '../station/names.ts';
import { classWord, SEVERITIES, type Severity, severityWord } from '../ui/marks.tsx';

export type Point = (station: Station | null, x?: number, y?: number) => void;

interface Node {
  station: Station;
  x: number;
  y: number;
  point: Point;
}

/** The gravest of a station's open alarms that nobody has silenced. */
export function gravestAlarm(id: string): Severity | null {
  const open = alarmsByStation.value.get(id) ?? [];
  return SEVERITIES.find((severity) => open.some((alarm) => alarm.severity === severity)) ?? null;
}

function wordsOf(station: Station): string {
  const now = latest.value.get(station.id);
  const gravest = gravestAlarm(station.id);
  return [
    nameOf(station.name),
    station.kind === 'gate' ? flowWords(station.id) : classWord(now?.class ?? null),
    station.target && t('targetIs', { class: NUMERALS[station.target] }),
    (now?.limiting.length ?? 0) > 0 && `${t('limitedBy')} ${now!.limiting.map(parameterName).join(', ')}`,
    gravest && t('hasAlarm', { severity: severityWord(gravest) }),
  ]
    .filter(Boolean)
    .join(', ');
}

function flowWords(id: string): string {
  const flow = latest.value.get(id)?.items.find(({ parameter }) => parameter === 'flow');
  return flow ? `${parameterName('flow')} ${format.withUnit(flow.value, flow.unit)}` : t('neverHeard');
}

const pointing = ({ station, x, y, point }: Node) => ({
  onMouseEnter: () => point(station, x, y),
  onMouseLeave: () => point(null),
  onFocus: () => point(station, x, y),
  onBlur: () => point(null),
});

const LABELS = {
  above: { dx: 4, dy: -14, anchor: 'start', turn: -52 },
  below: { dx: 4, dy: 19, anchor: 'start', turn: 42 },
  left: { dx: -15, dy: 4, anchor: 'end', turn: 0 },
  right: { dx: 15, dy: 4, anchor: 'start', turn: 0 },
} as const;

export function StationNode(
  props: Node & { label?: keyof typeof LABELS; isMajor?: boolean; note?: string; name?: string },
) {
  const { station, x, y, label, isMajor = false, note, name } = props;
  const reached = latest.value.get(station.id)?.class ?? null;
  const gravest = gravestAlarm(station.id);
  const radius = isMajor ? 14 : 10.5;
  const isHatched = reached === 'IV' || reached === 'V' || reached === 'worse';
  const place = label && LABELS[label];
  const turn = place && !isMajor ? place.turn : 0;
  const words = wordsOf(station);
  const shown = place && (name ?? shortName(station));
  return (
    <g>
      {/* The name that is seen is part of the name that is heard (WCAG 2.5.3). */}
      <a
        href={hrefOf('stations', station.id)}
        class={`node${isMajor ? ' is-major' : ''}`}
        aria-label={shown === undefined || words.includes(shown) ? words : `${shown}, ${words}`}
        {...pointing(props)}
      >
        {gravest && <circle cx={x} cy={y} r={radius + 5} class={`alarm-ring is-${gravest}`} />}
        <circle
          cx={x}
          cy={y}
          r={radius}
          class={`spot class-fill-${reached ?? 'none'}${breaks(reached, station.target) ? ' is-broken' : ''}`}
          fill={isHatched ? `url(#hatch-${reached})` : undefined}
        />
        {place && (
          <text
            class={isMajor ? 'place' : 'spot-name'}
            text-anchor={isMajor && label === 'above' ? 'middle' : place.anchor}
            transform={`translate(${x + (isMajor && label === 'above' ? 0 : place.dx)} ${y + place.dy - (isMajor && label === 'above' ? 10 : 0)}) rotate(${turn})`}
          >
            {shown}
          </text>
        )}
      </a>
      {/* biome-ignore lint/a11y/noAriaHiddenOnFocusable: text of a drawing can't be focused */}
      <text
        x={x}
        y={y}
        class={`numeral class-ink-${reached ?? 'none'}${isMajor ? ' is-major' : ''}`}
        aria-hidden="true"
      >
        {reached === null ? '–' : reached === 'worse' ? '劣' : NUMERALS[reached]}
      </text>
      {note && (
        // biome-ignore lint/a11y/noAriaHiddenOnFocusable: text of a drawing can't be focused
        <text x={x} y={y - radius - 6} class="spot-note" aria-hidden="true">
          {note}
        </text>
      )}
    </g>
  );
}

/** What fits into the drawing: the name up to its first comma, without what the drawing itself says. */
function shortName(station: Station): string {
  return nameOf(station.name)
    .split(/[,，]/)[0]!
    .replace(/ (River )?(mouth|at .*)$/, ' $1')
    .trim();
}

export function GateNode(props: Node & { number: number }) {
  const { station, x, y, number } = props;
  const now = latest.value.get(station.id);
  const gravest = gravestAlarm(station.id);
  const isSilent = !now || now.items.length === 0 || now.stale.length === now.items.length;
  return (
    <a
      href={hrefOf('stations', station.id)}
      class={`node is-gate${isSilent ? ' is-silent' : ''}`}
      aria-label={`${number}. ${wordsOf(station)}`}
      {...pointing(props)}
    >
      <rect x={x - 7} y={y - 14} width="14" height="28" class="gate-reach" />
      {gravest && <rect x={x - 6} y={y - 13} width="12" height="26" rx="3" class={`alarm-ring is-${gravest}`} />}
      <path d={`M${x} ${y - 9}v18`} class="gate-bar" />
      {number % 5 === 0 && (
        <text x={x} y={y + 24} class="gate-number">
          {number}
        </text>
      )}
    </a>
  );
}
