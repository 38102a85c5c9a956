/**
 * The drawing of the basin above Danjiangkou: which river joins which, from which bank, in the order of the flow (the
 * Han from the west, the Dan from the north). A schematic, not a map. Sections of rivers that aren't drawn here are
 * listed beside it.
 */
export interface River {
  /** The register's key of the river. */
  river: string;
  path: string;
  /** Spots for its sections, upstream first. */
  spots: readonly (readonly [x: number, y: number])[];
  /** Which side of a spot has room for its name. */
  label: 'above' | 'below' | 'left' | 'right';
  isStem?: boolean;
}

export const RESERVOIR =
  'M214 236 C236 222 262 214 292 216 C316 217 322 206 328 184 C334 160 336 138 352 122 C366 108 386 112 388 134 C390 152 380 170 382 190 C384 206 398 214 400 236 C402 262 384 284 352 286 C318 289 300 268 270 262 C246 258 228 252 214 246 Z';

/** Where the canal takes its water out. */
export const HEAD = { x: 418, y: 196 };
export const INTAKE = 'M386 196 H418';

export const RIVERS: readonly River[] = [
  {
    river: 'han',
    path: 'M8 240 H216',
    spots: [
      [30, 240],
      [192, 240],
    ],
    label: 'above',
    isStem: true,
  },
  { river: 'jinqian', path: 'M62 120 V240', spots: [[62, 150]], label: 'above' },
  { river: 'maiyu', path: 'M98 120 V240', spots: [[98, 150]], label: 'above' },
  { river: 'tian', path: 'M134 120 V240', spots: [[134, 150]], label: 'above' },
  { river: 'tao', path: 'M232 96 C258 118 300 132 336 150', spots: [[252, 111]], label: 'above' },
  { river: 'dan', path: 'M300 52 C318 78 334 100 356 124', spots: [[318, 77]], label: 'above', isStem: true },
  { river: 'zhuxi', path: 'M38 400 C50 372 60 350 76 326', spots: [[44, 384]], label: 'below' },
  { river: 'du', path: 'M76 360 V240', spots: [[76, 296]], label: 'left' },
  { river: 'jiang', path: 'M118 384 C116 340 100 312 76 272', spots: [[118, 366]], label: 'below' },
  { river: 'baier', path: 'M168 398 V300', spots: [[168, 376]], label: 'below' },
  { river: 'shending', path: 'M168 330 C168 290 178 262 204 244', spots: [[168, 312]], label: 'right' },
  { river: 'si', path: 'M216 384 C216 330 218 290 234 254', spots: [[216, 366]], label: 'below' },
  { river: 'guanshan', path: 'M258 384 C256 340 252 300 258 260', spots: [[258, 366]], label: 'below' },
  { river: 'jian', path: 'M300 384 C296 340 282 300 286 266', spots: [[300, 366]], label: 'below' },
  { river: 'lang', path: 'M342 384 C338 350 312 316 312 276', spots: [[342, 366]], label: 'below' },
  { river: 'anle', path: 'M384 384 C384 350 352 322 346 286', spots: [[384, 366]], label: 'below' },
];

/** The reservoir's own points. */
export const RESERVOIR_SPOTS: Readonly<Record<string, readonly [number, number]>> = {
  'danjiangkou-hanku': [276, 238],
  'danjiangkou-danku': [358, 152],
  'danjiangkou-taizishan': [360, 200],
  'danjiangkou-dam': [354, 256],
};
