import { expect, test } from 'vitest';
import { describeSoak } from '../soak/report.ts';
import { soak } from '../soak/soak.ts';

test('a render that is shot at comes to the same bytes and leaves nothing', async () => {
  const report = await soak({ kills: 5, seed: Date.now() % 1e6, places: ['s3', 'local'] });
  const said = describeSoak(report);
  expect(report.kills.length, said).toBeGreaterThanOrEqual(5);
  expect([report.wrong, report.leftovers], said).toEqual([[], []]);
});
