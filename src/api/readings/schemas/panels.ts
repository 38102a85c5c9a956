/** Laboratory panels as they are sent and answered. */
import { z } from 'zod';
import { assessment } from '#api/books/schemas/assessments.ts';
import { listOf, page, range } from '#api/schemas.ts';
import { panel } from '#model/panel.ts';
import { id } from '#model/register.ts';

export const panelBody = panel.meta({
  examples: [
    {
      station: 'taocha',
      time: '2026-11-22T09:30:00+08:00',
      lab: 'Nanyang',
      items: [
        { parameter: 'nh3n', value: 0.08, method: 'HJ 535-2009' },
        { parameter: 'hg', below: 0.00004, method: 'HJ 694-2014' },
      ],
    },
  ],
});

export const panelsQuery = z.strictObject({ station: id.optional(), ...range, ...page });

export const panelView = panel.extend({ id });
export const panelPage = listOf(panelView);

const part = z.object({ expected: z.number().int(), measured: z.number().int(), missing: z.array(z.string()) });

export const judgedPanelView = panelView.extend({
  completeness: z
    .object({ basic: part, drinkingSource: part })
    .describe('Against GB 3838 table 1, and tables 2 and 3 for drinking-water sources'),
  assessment,
  comparison: z
    .array(
      z.object({
        parameter: z.string(),
        laboratory: z.number(),
        sensor: z.number().describe('Mean of the usable readings within an hour before and after the sample'),
        readings: z.number().int(),
        difference: z.number().describe('Sensor less laboratory'),
        relative: z.number().nullable(),
      }),
    )
    .describe('Indicators that a sensor of this station measured at that time'),
});

export const panelsTaken = z
  .object({
    panels: z.array(z.string()),
    items: z.number().int(),
    replaced: z
      .array(z.object({ panel: z.string(), parameters: z.array(z.string()) }))
      .describe('Items that the sample had before and that these have taken the place of'),
  })
  .meta({
    examples: [
      {
        panels: ['2026-11-taocha', '2026-11-heilong-dam'],
        items: 218,
        replaced: [{ panel: '2026-11-taocha', parameters: ['hg'] }],
      },
    ],
  });
