// 3,200 particles visit three shapes. Nothing is carried from one frame to the next:
// each particle's place is computed from the time alone, so any frame can be drawn first.

const COUNT = 3200;
const WIDTH = 1920;
const HEIGHT = 1080;
const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));
const PALETTE = ['#ffe9c7', '#ffc46b', '#ff8a4c', '#f2557a', '#7aa2ff'];

const canvas = document.querySelector('canvas');
const ctx = canvas.getContext('2d');

const clamp = (x) => Math.min(1, Math.max(0, x));
const easeInOut = (x) => (x < 0.5 ? 8 * x ** 4 : 1 - (-2 * x + 2) ** 4 / 2);
const mix = (a, b, k) => a + (b - a) * k;

/** A fixed random number in [0, 1) for particle `i`: the same in every frame and every run. */
function hash(i, salt) {
  let h = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}

/** The seed head of a sunflower, turning. */
function sunflower(i, t) {
  const radius = 8.3 * Math.sqrt(i) * (1 + 0.03 * Math.sin(t * 2.4 - i * 0.003));
  const angle = i * GOLDEN_ANGLE + t * 0.22;
  return { x: 960 + radius * Math.cos(angle), y: 540 + radius * Math.sin(angle), size: 2.2 + i / 900 };
}

/** Three waves on a plane that runs to the horizon. */
function waves(i, t) {
  const column = i % 80;
  const row = Math.floor(i / 80) - 3;
  const depth = 1 + row * 0.16;
  const u = (column - 39.5) / 39.5;
  const lift =
    Math.sin(u * 5 + t * 2.2) * 0.5 +
    Math.sin(row * 0.42 - t * 2.6) * 0.5 +
    Math.sin(u * 9 - row * 0.3 + t) * 0.3;
  return { x: 960 + (u * 1900) / depth, y: 300 + (620 - lift * 150) / depth, size: 7 / depth };
}

/** The points of a word, sampled from text drawn on a canvas that is never shown. */
const wordPoints = samplePoints('helios');
function word(i, t) {
  const [x, y] = wordPoints[i % wordPoints.length];
  return { x, y: y + 7 * Math.sin(x * 0.006 - t * 3), size: 3.7 };
}

function samplePoints(text) {
  const off = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d', { willReadFrequently: true });
  off.font = '800 590px Inter, sans-serif';
  off.letterSpacing = '-12px';
  off.textAlign = 'center';
  off.textBaseline = 'middle';
  off.fillText(text, WIDTH / 2, HEIGHT / 2);
  const { data } = off.getImageData(0, 0, WIDTH, HEIGHT);
  const inside = [];
  for (let y = 0; y < HEIGHT; y += 4) {
    for (let x = 0; x < WIDTH; x += 4) {
      if (data[(y * WIDTH + x) * 4 + 3] > 128) inside.push([x, y]);
    }
  }
  return Array.from({ length: COUNT }, (_, i) => inside[Math.floor(((i * 0.618034) % 1) * inside.length)]);
}

function place(i, t) {
  const late = hash(i, 1) * 0.55;
  const first = easeInOut(clamp((t - 1.35 - late) / 1.1));
  const second = easeInOut(clamp((t - 3.3 - late) / 1.1));
  const from = second > 0 ? waves(i, t) : sunflower(i, t);
  const to = second > 0 ? word(i, t) : waves(i, t);
  const k = second > 0 ? second : first;
  // On the way the particles swing out on an arc, each on its own.
  const swing = Math.sin(k * Math.PI) * 260;
  const angle = hash(i, 2) * Math.PI * 2;
  return {
    x: mix(from.x, to.x, k) + swing * Math.cos(angle),
    y: mix(from.y, to.y, k) + swing * Math.sin(angle),
    size: mix(from.size, to.size, k),
  };
}

function draw(t) {
  const glow = ctx.createRadialGradient(960, 560, 0, 960, 560, 1150);
  glow.addColorStop(0, '#1a2238');
  glow.addColorStop(1, '#070b14');
  ctx.globalCompositeOperation = 'source-over';
  ctx.globalAlpha = 1;
  ctx.fillStyle = glow;
  ctx.fillRect(0, 0, WIDTH, HEIGHT);

  ctx.globalCompositeOperation = 'lighter';
  for (let i = 0; i < COUNT; i++) {
    const { x, y, size } = place(i, t);
    const twinkle = 0.78 + 0.22 * Math.sin(t * 4 + hash(i, 3) * 40);
    ctx.globalAlpha = clamp(twinkle);
    ctx.fillStyle =
      PALETTE[Math.floor(clamp((x / WIDTH) * 0.8 + hash(i, 4) * 0.3) * (PALETTE.length - 0.01))];
    ctx.beginPath();
    ctx.arc(x, y, size * (0.8 + 0.5 * hash(i, 5)), 0, Math.PI * 2);
    ctx.fill();
  }
}

requestAnimationFrame(function frame(ms) {
  draw(ms / 1000);
  requestAnimationFrame(frame);
});
