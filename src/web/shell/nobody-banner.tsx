/** Says on every page that nobody is told of alarms, for as long as the service finds no recipient in its routes. */
import { t } from '../core/language.ts';
import { hrefOf } from '../core/route.ts';
import { isPlatform, openAlarms } from '../core/watch.ts';

export function NobodyBanner() {
  const alarm = openAlarms.value.find(
    (one) => isPlatform(one) && one.parameter === 'routes.nobody' && one.clearedAt === null,
  );
  return (
    <div role="status">
      {alarm && (
        <p class="nobody-banner">
          <b>{t('nobodyTold')}</b> {t('nobodyToldWhy')} <a href={hrefOf('alarms', alarm.id)}>{t('nobodyToldSee')}</a>
        </p>
      )}
    </div>
  );
}
