import type { FadeEasing } from '../types/audio.ts';

/** Maps the progress of a fade, 0 to 1, to a share of the volume; some curves swing beyond 0 and 1. */
type Easing = (progress: number) => number;

const power =
  (exponent: number): Easing =>
  (t) =>
    t ** exponent;

const back =
  (overshoot: number): Easing =>
  (t) =>
    (overshoot + 1) * t ** 3 - overshoot * t ** 2;

const elastic =
  (period: number): Easing =>
  (t) =>
    t === 0 || t === 1
      ? t
      : -(2 ** (10 * t - 10)) * Math.sin(((10 * t - 10 - period / 4) * 2 * Math.PI) / period);

/** Four parabolas, each bounce a quarter as high as the one before. */
const bounce: Easing = (t) => {
  const left = 1 - t;
  const arcs = [
    { until: 1 / 2.75, centre: 0, floor: 0 },
    { until: 2 / 2.75, centre: 1.5 / 2.75, floor: 0.75 },
    { until: 2.5 / 2.75, centre: 2.25 / 2.75, floor: 0.9375 },
  ];
  const arc = arcs.find(({ until }) => left < until) ?? { centre: 2.625 / 2.75, floor: 0.984375 };
  return 1 - (7.5625 * (left - arc.centre) ** 2 + arc.floor);
};

const OVERSHOOT = 1.70158;

const linear: Easing = (t) => t;
const quad = power(2);

/** Penner's curves in the form of their first half, `in`; `inOut` where it isn't made of the same one. */
const curves: Readonly<Record<string, { in: Easing; inOut?: Easing }>> = {
  quad: { in: quad },
  cubic: { in: power(3) },
  quart: { in: power(4) },
  quint: { in: power(5) },
  sine: { in: (t) => 1 - Math.cos((t * Math.PI) / 2) },
  expo: { in: (t) => (t === 0 ? 0 : 2 ** (10 * t - 10)) },
  circ: { in: (t) => 1 - Math.sqrt(1 - t ** 2) },
  back: { in: back(OVERSHOOT), inOut: back(OVERSHOOT * 1.525) },
  elastic: { in: elastic(3), inOut: elastic(4.5) },
  bounce: { in: bounce },
};

const mirrored =
  (curve: Easing): Easing =>
  (t) =>
    1 - curve(1 - t);

const bothEnds =
  (curve: Easing): Easing =>
  (t) =>
    t < 0.5 ? curve(2 * t) / 2 : 1 - curve(2 - 2 * t) / 2;

const named: Readonly<Record<string, Easing>> = {
  linear,
  'ease-in': quad,
  'ease-out': mirrored(quad),
  'ease-in-out': bothEnds(quad),
};

/** The curve of a name, as @helios-project/core draws it. */
export function easingOf(name: FadeEasing): Easing {
  const own = named[name];
  if (own) return own;
  const [curveName = '', direction] = name.split('.');
  const curve = curves[curveName];
  if (!curve) return linear;
  if (direction === 'inOut') return bothEnds(curve.inOut ?? curve.in);
  return direction === 'out' ? mirrored(curve.in) : curve.in;
}
