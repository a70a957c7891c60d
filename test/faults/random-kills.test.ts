import { homedir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { describeSoak } from '../soak/report.ts';
import { soak } from '../soak/soak.ts';

const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');

test.each(['local', 's3'] as const)(
  'a render over %s that is shot at comes to the same bytes and leaves nothing',
  async (place) => {
    const report = await soak({ kills: 2, seed: Date.now() % 1e6, places: [place], cache });
    const said = describeSoak(report);
    expect(report.kills.length, said).toBeGreaterThanOrEqual(2);
    expect([report.wrong, report.leftovers], said).toEqual([[], []]);
  },
  300_000,
);
