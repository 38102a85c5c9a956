/** The start page: logs in with a token, then shows open alarms and the newest water of every station, every 10 s. */
const REFRESH_MS = 10_000;
const CLASSES = ['I', 'II', 'III', 'IV', 'V', 'worse'];
const CLASS_NAMES = { I: 'Ⅰ', II: 'Ⅱ', III: 'Ⅲ', IV: 'Ⅳ', V: 'Ⅴ', worse: '劣Ⅴ' };
const WORDS = {
  zh: {
    updated: '更新于 ',
    empty: '没有',
    unreachable: '连不上服务',
    refused: '令牌无效',
    many: '尝试次数过多，请稍后再试',
    other: 'English',
    minor: '一般',
    major: '重要',
    critical: '紧急',
    raised: '报警',
    acknowledged: '已确认',
    returned: '已恢复，未确认',
  },
  en: {
    updated: 'Updated ',
    empty: 'None',
    unreachable: 'The service can not be reached',
    refused: 'The token is not valid',
    many: 'Too many attempts; try again later',
    other: '中文',
    minor: 'minor',
    major: 'major',
    critical: 'critical',
    raised: 'raised',
    acknowledged: 'acknowledged',
    returned: 'returned, not acknowledged',
  },
};

const at = (id) => document.getElementById(id);
let language = localStorage.getItem('language') ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');
let timer;

function cell(text, className) {
  const td = document.createElement('td');
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function fill(body, rows) {
  body.replaceChildren(
    ...rows.map((cells) => {
      const tr = document.createElement('tr');
      tr.append(...cells);
      return tr;
    }),
  );
  if (rows.length === 0) body.append(cell(WORDS[language].empty, 'quiet'));
}

class Refused extends Error {
  constructor(status) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

async function ask(path) {
  const response = await fetch(`/api/v1${path}`);
  if (!response.ok) throw new Refused(response.status);
  return response.json();
}

async function all(path) {
  const items = [];
  let cursor = null;
  do {
    const page = await ask(`${path}limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

const time = (text) => new Date(text).toLocaleString(language === 'zh' ? 'zh-CN' : 'en-GB');

function showStations(stations, latest) {
  const targets = new Map(stations.map((station) => [station.id, station]));
  const rows = latest
    .filter(({ items }) => items.length > 0)
    .map((now) => {
      const { name, target } = targets.get(now.station) ?? { name: { zh: now.station, en: now.station } };
      const isBroken = target && now.class && CLASSES.indexOf(now.class) > CLASSES.indexOf(target);
      const newest = now.items
        .map((item) => item.time)
        .sort()
        .at(-1);
      return [
        cell(name[language]),
        cell(CLASS_NAMES[target] ?? '—'),
        cell(CLASS_NAMES[now.class] ?? '—', `class ${isBroken ? 'broken' : target && now.class ? 'met' : ''}`),
        cell(now.limiting.join(', ')),
        cell(time(newest)),
        cell(now.stale.join(', '), 'quiet'),
      ];
    });
  fill(at('stations'), rows);
}

function showAlarms(alarms, stations) {
  const names = new Map(stations.map(({ id, name }) => [id, name[language]]));
  const words = WORDS[language];
  fill(
    at('alarms'),
    alarms.map((alarm) => [
      cell(words[alarm.severity] ?? alarm.severity, 'class broken'),
      cell(names.get(alarm.station) ?? alarm.station),
      cell(alarm.parameter),
      cell(`${alarm.value} ${alarm.unit}`),
      cell(alarm.limit === null ? '—' : `${alarm.op} ${alarm.limit}`),
      cell(words[alarm.state] ?? alarm.state),
      cell(time(alarm.raisedAt)),
    ]),
  );
}

async function refresh() {
  clearTimeout(timer);
  try {
    const [stations, latest, alarms] = await Promise.all([
      all('/stations?'),
      all('/latest?'),
      all('/alarms?state=raised,acknowledged,returned&'),
    ]);
    showStations(stations, latest);
    showAlarms(alarms, stations);
    at('said').textContent = WORDS[language].updated + new Date().toLocaleTimeString();
    show(true);
  } catch (error) {
    if (error.status === 401) return show(false);
    at('said').textContent = `${WORDS[language].unreachable} (${error.message})`;
  }
  timer = setTimeout(() => void refresh(), REFRESH_MS);
}

function show(isIn) {
  at('enter').hidden = isIn;
  at('water').hidden = !isIn;
  at('leave').hidden = !isIn;
  if (!isIn) at('said').textContent = '';
}

function speak() {
  document.documentElement.lang = language;
  at('language').textContent = WORDS[language].other;
  for (const element of document.querySelectorAll('[data-zh]')) element.textContent = element.dataset[language];
}

at('enter').addEventListener('submit', async (event) => {
  event.preventDefault();
  const response = await fetch('/api/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: at('token').value }),
  });
  at('token').value = '';
  if (response.ok) await refresh();
  else at('said').textContent = WORDS[language][response.status === 429 ? 'many' : 'refused'];
});
at('leave').addEventListener('click', async () => {
  clearTimeout(timer);
  await fetch('/api/v1/session', { method: 'DELETE' });
  show(false);
});
at('language').addEventListener('click', () => {
  language = language === 'zh' ? 'en' : 'zh';
  localStorage.setItem('language', language);
  speak();
  void refresh();
});
speak();
void refresh();
