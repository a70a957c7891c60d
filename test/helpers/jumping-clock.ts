/**
 * Loaded before a program by `node --import`: its wall clock jumps an hour ahead, back and two hours behind, as a
 * machine's does when somebody sets it. The monotonic clock goes on, as it does then.
 */
const HOUR = 3_600_000;
const EVERY_MS = 500;
const offsets = [HOUR, 0, -2 * HOUR];

const RealDate = Date;
const since = performance.now();
const now = (): number =>
  RealDate.now() + (offsets[Math.floor((performance.now() - since) / EVERY_MS) % offsets.length] as number);

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length ? args : [now()], newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
