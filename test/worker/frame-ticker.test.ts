import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameToMs } from '../../src/types/fps.ts';
import { keptScreenshot } from '../../src/types/screenshot.ts';
import type { DevToolsSession } from '../../src/worker/devtools.ts';
import { FrameTicker } from '../../src/worker/frame-ticker.ts';

const rates = [24, 25, 30, 60, '30000/1001', '24000/1001'];
const acts = fc.array(
  fc.oneof(
    fc.record({ ticks: fc.nat(60) }),
    fc.record({ frame: fc.nat(400_000) }),
    fc.constant('nudge'),
    fc.constant('shoot'),
  ),
  { maxLength: 40 },
);

test('no frame has the time of the one before, in the whole microseconds that the browser counts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...rates), acts, async (fps, script) => {
      const times: number[] = [];
      const send = async (_: string, { frameTimeTicks }: { frameTimeTicks: number }) => {
        times.push(Math.trunc(frameTimeTicks * 1000));
        return { hasDamage: true, screenshotData: 'data' };
      };
      const page = { send } as unknown as DevToolsSession;
      const ticker = new FrameTicker(page, 'begin-frame', frameToMs(1, fps));
      await ticker.tick();
      ticker.startTimeline();
      for (const act of script) {
        if (act === 'nudge') await ticker.nudge();
        else if (act === 'shoot') await ticker.shoot(keptScreenshot);
        else if ('frame' in act) {
          ticker.moveTo(frameToMs(act.frame, fps));
          await ticker.tick();
        } else for (let tick = 0; tick < act.ticks; tick++) await ticker.tick();
      }
      expect(times.every((time, at) => at === 0 || time > (times[at - 1] as number))).toBe(true);
    }),
  );
});

test('a change that was drawn while something else was waited for is told once', async () => {
  const damages = [false, true, false];
  const send = async () => ({ hasDamage: damages.shift() ?? false });
  const ticker = new FrameTicker({ send } as unknown as DevToolsSession, 'begin-frame', 33);
  const seen = new Promise<void>((resolve) =>
    setInterval(() => damages.length === 0 && resolve(), 1).unref(),
  );
  await ticker.while(seen, 1);
  await ticker.tick();
  expect([ticker.takeChange(), ticker.takeChange()]).toEqual([true, false]);
  expect(
    new FrameTicker({ send } as unknown as DevToolsSession, 'screenshot', 33).takeChange(),
  ).toBeUndefined();
});
