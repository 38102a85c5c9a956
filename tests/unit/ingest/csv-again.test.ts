/** What was taken out as CSV and is put in again: device letters, people's doubts, values beyond an instrument's limits. */
import { expect, it } from 'vitest';
import { csv } from '#ingest/codecs/csv.ts';
import { delivery, openDoor } from '#tests/helpers/ingest/door.ts';

const TIME = '2026-11-22T07:55:00.000Z';
const taken = async (header: string, rows: readonly string[]) => {
  const { gate } = await openDoor();
  const body = [header, ...rows.map((row) => `taocha,${TIME},${row}`)].join('\n');
  const { readings, faults } = gate.preview(delivery(body, { contentType: 'text/csv' }));
  return {
    readings: readings.map(({ parameter, value, flag, deviceFlag, censored }) => [
      parameter,
      value,
      flag,
      deviceFlag,
      censored,
    ]),
    codes: faults.map(({ code }) => code),
  };
};

it('keeps letters, takes doubts over where the device said nothing, and judges the rest anew', async () => {
  const { readings } = await taken('station,time,parameter,value,unit,flag,deviceFlag,censored', [
    'nh3n,0.12,mg/L,1,N,',
    'ph,7.1,pH,4,,',
    'temp,9.5,°C,1,,',
    'turbidity,3,NTU,4,D,',
  ]);
  expect(readings).toEqual([
    ['nh3n', 0.12, 2, 'N', undefined],
    ['ph', 7.1, 4, '4', undefined],
    ['temp', 9.5, 2, null, undefined],
    ['turbidity', 3, 4, 'D', undefined],
  ]);
});

it('takes a flag without the column beside it as what the device said, as ever', async () => {
  const { readings } = await taken('station,time,parameter,value,unit,flag', ['ph,7.1,pH,3']);
  expect(readings).toEqual([['ph', 7.1, 3, '3', undefined]]);
});

it('reads values beyond an instrument’s limits as they are written', async () => {
  const { readings, codes } = await taken('station,time,parameter,value,unit,flag', [
    'nh3n,<0.02,mg/L,',
    'turbidity,>4000,NTU,',
    'temp,未检出,°C,',
  ]);
  expect(readings.map(([parameter, value, , , censored]) => [parameter, value, censored])).toEqual([
    ['nh3n', 0.02, '<'],
    ['turbidity', 4000, '>'],
  ]);
  expect(codes).toEqual(['value.not-a-number']);
});

it('quarantines a row so that it means the same when it comes again', () => {
  const header = 'station,time,parameter,value,unit,flag,deviceFlag';
  const { samples } = csv.decode(Buffer.from(`${header}\nnowhere,${TIME},ph,7,pH,1,\nnowhere,${TIME},ph,7,pH,4,M\n`));
  const texts = samples!.map((sample) => Buffer.from(csv.excerpt(sample, ['ph'])).toString());
  expect(texts).toEqual([
    `station,time,parameter,value,unit,flag\nnowhere,${TIME},ph,7,pH,\n`,
    `station,time,parameter,value,unit,flag\nnowhere,${TIME},ph,7,pH,M\n`,
  ]);
});
