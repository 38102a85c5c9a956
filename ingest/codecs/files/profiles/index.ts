/** The kinds of files that are known by their content; a new one is a file here and a line below. */
import type { Profile } from '../profile.ts';
import { campbellToa5 } from './campbell-toa5.ts';
import { cnemc } from './cnemc.ts';
import { columns } from './columns.ts';
import { hoboware } from './hoboware.ts';
import { inSitu } from './in-situ.ts';
import { nerrs } from './nerrs.ts';
import { usgsRdb } from './usgs-rdb.ts';
import { ysiKor } from './ysi-kor.ts';

export const NAMED_PROFILES: readonly Profile[] = [campbellToa5, hoboware, ysiKor, inSitu, usgsRdb, nerrs, cnemc];

/** For what no named one knows. */
export const GENERIC_PROFILE: Profile = columns;
