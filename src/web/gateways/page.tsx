/** For whoever owns a gateway: is it heard, what was taken, what wasn't and why. */
import { t } from '../core/language.ts';
import { FleetSheet } from './fleet.tsx';
import { QuarantineSheet } from './quarantine.tsx';
import { TryPayloadSheet } from './try-payload.tsx';
import '../styles/gateways.css';

export default function GatewaysPage() {
  return (
    <div class="gateways">
      <h1 class="unseen">{t('gateways')}</h1>
      <FleetSheet />
      <QuarantineSheet />
      <TryPayloadSheet />
    </div>
  );
}
