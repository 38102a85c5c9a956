/** Assessment of a sample that is sent: nothing is stored and nothing is asked of the stores. */
import { assessSample } from '#assess/sample.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { assessment, assessmentBody } from '../schemas/assessments.ts';
import { documented } from '../schemas/common.ts';
import { surfaceWaterStandard } from '../series.ts';

export function assessmentRoutes(api: Api, deps: ApiDeps): void {
  const { parameters, aliases } = deps.reference;
  api.route({
    method: 'POST',
    url: '/assessments',
    config: { access: 'viewer' },
    schema: {
      body: assessmentBody,
      ...documented({
        tag: 'statistics',
        summary: 'Assess a sample by GB 3838-2002',
        description: 'Class, status, what breaks the target, main pollutants, and why anything was left out.',
        answer: assessment,
        faults: ['request.invalid'],
      }),
    },
    async handler({ body: { waterBody, target, values, rounding } }) {
      const named = new Map(
        Object.entries(values).map(([name, value]) => [aliases.get(name.toLowerCase()) ?? name, value]),
      );
      return assessSample(surfaceWaterStandard(deps), parameters, {
        waterBody,
        target: target ?? null,
        values: named,
        rounding,
      });
    },
  });
}
