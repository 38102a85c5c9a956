/** Names of the areas and recipients that come with the program; others are shown by their key. */
import { language } from './language.ts';

const NAMES: Readonly<Record<string, readonly [zh: string, en: string]>> = {
  beijing: ['北京', 'Beijing'],
  tianjin: ['天津', 'Tianjin'],
  hebei: ['河北', 'Hebei'],
  xiongan: ['雄安', 'Xiong’an'],
  henan: ['河南', 'Henan'],
  nanyang: ['南阳', 'Nanyang'],
  shiyan: ['十堰', 'Shiyan'],
  'danjiangkou-city': ['丹江口市', 'Danjiangkou city'],
  'danjiangkou-reservoir': ['丹江口水库', 'Danjiangkou reservoir'],
};

export const areaName = (key: string): string => NAMES[key]?.[language.value === 'zh' ? 0 : 1] ?? key;
