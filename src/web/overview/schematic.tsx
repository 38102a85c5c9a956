/** The way of the water, drawn: rivers into Danjiangkou, Taocha, the canal's gates in their order, Beijing, Tianjin. */
import { useEffect, useState } from 'preact/hooks';
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { latest, type Station, stations } from '../core/watch.ts';
import { HEAD, INTAKE, RESERVOIR, RESERVOIR_SPOTS, RIVERS, type River } from './basin.ts';
import { type Canal, layOut } from './canal.ts';
import { type Pointed, StationCard } from './station-card.tsx';
import { GateNode, type Point, StationNode } from './station-node.tsx';

const FRAME = { left: 512, right: 1014, rows: [368, 244, 120], head: HEAD } as const;
const VIEW = { width: 1120, height: 452 };

/** Sections by river, upstream first: the register's order within a river is kept where the drawing has no better. */
function sectionsOf(river: River): Station[] {
  const found = [...stations.value.values()].filter((one) => one.kind === 'river-section' && one.river === river.river);
  return found.sort((a, b) => (a.location?.lon ?? 0) - (b.location?.lon ?? 0)).slice(0, river.spots.length);
}

export function Schematic() {
  const [pointed, setPointed] = useState<Pointed | null>(null);
  const point = (station: Station | null, x = 0, y = 0) =>
    setPointed(station && { station, left: (x / VIEW.width) * 100, top: (y / VIEW.height) * 100 });
  const canal = layOut(stations.value, FRAME);
  // For whoever measures: from here on the page answers.
  useEffect(() => void performance.mark('wellkeeper.shown'), []);
  return (
    <div class="schematic">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region (WCAG 2.1.1) */}
      <section class="schematic-frame" tabIndex={0} aria-label={t('schematic')}>
        <div class="schematic-paper">
          {/* biome-ignore lint/a11y/useSemanticElements: a drawing of links, not of fields */}
          <svg
            viewBox={`0 0 ${VIEW.width} ${VIEW.height}`}
            class="schematic-drawing"
            role="group"
            aria-label={t('schematicIs')}
          >
            <Patterns />
            <Basin point={point} />
            {canal && <CanalWater canal={canal} />}
            <Head point={point} />
            {canal && <CanalStations canal={canal} point={point} />}
          </svg>
          {pointed && <StationCard pointed={pointed} />}
        </div>
      </section>
    </div>
  );
}

/** Of several sections of one river the place tells them apart: `Yangwei` of `Han River, Yangwei (Shaanxi border)`. */
const placeName = ({ name }: Station): string => {
  const whole = nameOf(name);
  return (/[,，]\s*([^(（]+)/.exec(whole)?.[1] ?? whole).trim();
};

/** Classes that mean trouble are hatched as well: colour alone tells nothing. */
function Patterns() {
  return (
    <defs>
      {['IV', 'V', 'worse'].map((reached, index) => (
        <pattern
          key={reached}
          id={`hatch-${reached}`}
          width="4"
          height="4"
          patternUnits="userSpaceOnUse"
          patternTransform={`rotate(${45 * (index + 1)})`}
        >
          <rect width="4" height="4" class={`class-fill-${reached}`} />
          <path d="M0 0V4" class="hatch" />
        </pattern>
      ))}
    </defs>
  );
}

function Basin({ point }: { point: Point }) {
  const known = stations.value;
  return (
    <g>
      {RIVERS.map((river) => (
        <path key={river.river} d={river.path} class={`river${river.isStem ? ' is-stem' : ''}`} />
      ))}
      <path d={RESERVOIR} class="reservoir" />
      <path d={INTAKE} class="canal" />
      <text x="296" y="304" class="place" text-anchor="middle">
        {t('danjiangkou')}
      </text>
      <text x="8" y="260" class="water-name">
        {t('hanRiver')}
      </text>
      <text x="286" y="44" class="water-name">
        {t('danRiver')}
      </text>
      {RIVERS.flatMap((river) =>
        sectionsOf(river).map((station, index) => {
          const [x, y] = river.spots[index]!;
          return (
            <StationNode
              key={station.id}
              station={station}
              x={x}
              y={y}
              label={river.label}
              name={river.isStem ? placeName(station) : undefined}
              point={point}
            />
          );
        }),
      )}
      {Object.entries(RESERVOIR_SPOTS).map(([id, [x, y]]) => {
        const station = known.get(id);
        return station && <StationNode key={id} station={station} x={x} y={y} point={point} />;
      })}
    </g>
  );
}

/** The head works, upon the canal that begins there. */
function Head({ point }: { point: Point }) {
  const taocha = stations.value.get('taocha');
  if (!taocha) return null;
  return <StationNode station={taocha} x={HEAD.x} y={HEAD.y} point={point} isMajor name={t('taocha')} label="above" />;
}

function CanalWater({ canal }: { canal: Canal }) {
  return (
    <g>
      <path d={canal.path} class="canal" />
      <path d={canal.path} class="canal-water" />
    </g>
  );
}

function CanalStations({ canal, point }: { canal: Canal; point: Point }) {
  const beijing = stations.value.get('tuancheng-lake');
  const fork = canal.gates[55] ?? canal.gates.at(-1)!;
  const tianjin = stations.value.get('tianjin-trunk');
  return (
    <g>
      {tianjin && (
        <path
          d={`M${fork.x + 8} ${fork.y} C${fork.x + 26} ${fork.y} ${fork.x + 18} ${fork.y - 62} ${fork.x + 50} ${fork.y - 62} H1004`}
          class="canal is-branch"
        />
      )}
      {canal.borders.map(({ x, y, before, after }) => (
        <g key={after} class="border">
          <path d={`M${x} ${y - 34}V${y + 30}`} />
          <text x={x + 6} y={y + 40} text-anchor="start">
            {areaName(before)}
          </text>
          <text x={x - 6} y={y + 40} text-anchor="end">
            {areaName(after)}
          </text>
        </g>
      ))}
      {canal.gates.map((gate) => (
        <GateNode key={gate.station.id} {...gate} point={point} />
      ))}
      {canal.monitors.map((monitor) => (
        <StationNode key={monitor.station.id} {...monitor} note={String(monitor.number)} point={point} />
      ))}
      {beijing && (
        <StationNode
          station={beijing}
          x={canal.end.x}
          y={canal.end.y}
          isMajor
          name={t('beijing')}
          label="right"
          point={point}
        />
      )}
      {tianjin && <Terminus station={tianjin} x={1018} y={fork.y - 62} name={t('tianjin')} point={point} />}
      <Legend />
    </g>
  );
}

/** Where water is handed over and measured by volume, not by class. */
function Terminus({
  station,
  x,
  y,
  name,
  point,
}: {
  station: Station;
  x: number;
  y: number;
  name: string;
  point: Point;
}) {
  const flow = latest.value.get(station.id)?.items.find(({ parameter }) => parameter === 'flow');
  return (
    <a
      href={`/stations/${station.id}`}
      class="node is-terminus"
      aria-label={`${nameOf(station.name)}, ${flow ? format.withUnit(flow.value, flow.unit) : ''}`}
      onMouseEnter={() => point(station, x, y)}
      onMouseLeave={() => point(null)}
      onFocus={() => point(station, x, y)}
      onBlur={() => point(null)}
    >
      <rect x={x - 11} y={y - 11} width="22" height="22" rx="4" class="terminus" />
      <path d={`M${x - 5} ${y}h9m-3.500-3.500 3.500 3.500-3.500 3.500`} class="terminus-arrow" />
      <text x={x + 18} y={y + 4} class="place">
        {name}
      </text>
    </a>
  );
}

function Legend() {
  return (
    <g class="legend" transform="translate(512 442)">
      <circle cx="6" cy="-4" r="6" class="class-fill-II" />
      <text x="18" y="0">
        {t('legendSection')}
      </text>
      <path d="M132 -11v14" class="gate-bar" />
      <text x="142" y="0">
        {t('legendGate')}
      </text>
      <circle cx="238" cy="-4" r="6" class="class-fill-none" />
      <text x="250" y="0">
        {t('legendUnknown')}
      </text>
      <circle cx="400" cy="-4" r="6" class="alarm-ring is-major" />
      <text x="414" y="0">
        {t('legendAlarm')}
      </text>
    </g>
  );
}
