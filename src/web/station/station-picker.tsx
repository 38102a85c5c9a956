/** Finds a station by typing part of its name or id. */
import { useId } from 'preact/hooks';
import { nameOf, t } from '../core/language.ts';
import { hrefOf, navigate } from '../core/route.ts';
import { stations } from '../core/watch.ts';

export function StationPicker({ chosen }: { chosen: string | null }) {
  const list = useId();
  const label = (id: string) => `${nameOf(stations.value.get(id)!.name)} · ${id}`;
  const ids = [...stations.value.keys()];
  const choose = (text: string) => {
    const id = ids.find((one) => label(one) === text || one === text.trim());
    // The other page's filters make no sense for another station; its range does, and browsers go back to the rest.
    if (id !== undefined && id !== chosen) navigate(hrefOf('stations', id));
  };
  return (
    <label class="field station-picker">
      <span class="unseen">{t('findStation')}</span>
      <input
        key={chosen}
        type="search"
        list={list}
        placeholder={t('findStation')}
        onInput={(event) => choose(event.currentTarget.value)}
        autoComplete="off"
      />
      <datalist id={list}>
        {ids.map((id) => (
          <option key={id} value={label(id)} />
        ))}
      </datalist>
    </label>
  );
}
