import type { PageState } from './page-state.ts';

/** Closes the ways by which real time reaches a page beside its clock: formatted dates, event times, smooth scrolling. */
export function installRealTimeLeaks(state: PageState): void {
  const { prototype } = Intl.DateTimeFormat;
  const format = Object.getOwnPropertyDescriptor(prototype, 'format') as Required<PropertyDescriptor>;
  Object.defineProperty(prototype, 'format', {
    ...format,
    get(this: Intl.DateTimeFormat) {
      const own = format.get.call(this) as (date?: Date | number) => string;
      return (date: Date | number = Date.now()) => own(date);
    },
  });
  const { formatToParts } = prototype;
  prototype.formatToParts = function parts(date = Date.now()) {
    return formatToParts.call(this, date);
  };
  Object.defineProperty(Event.prototype, 'timeStamp', { configurable: true, get: () => state.now });

  const atOnce = (options: unknown): unknown =>
    options !== null && typeof options === 'object' ? { ...options, behavior: 'instant' } : options;
  for (const target of [window, Element.prototype] as unknown as Record<
    string,
    (...args: unknown[]) => void
  >[]) {
    for (const name of ['scroll', 'scrollTo', 'scrollBy', 'scrollIntoView']) {
      const native = target[name];
      if (!native) continue;
      target[name] = function scroll(this: unknown, ...args: unknown[]) {
        return native.apply(this, args.map(atOnce));
      };
    }
  }
}
