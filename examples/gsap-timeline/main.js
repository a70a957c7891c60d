// A day is cut into forty tiles, all are rendered at the same time, and they become one picture again.

const COLUMNS = 8;
const COUNT = 40;
const FRAMES = 5400;
const NOON = COUNT / 2;

const skyTop = gsap.utils.interpolate(['#1a2358', '#4c8fe0', '#1c6be0', '#5566c4', '#191b48']);
const skyBottom = gsap.utils.interpolate(['#ff9a72', '#ffe3b8', '#8fd2ff', '#ffb070', '#d1557c']);
const hills = gsap.utils.interpolate(['#2b2a5e', '#3f7f86', '#2c7d7c', '#5a4a80', '#241f4c']);

const tiles = Array.from({ length: COUNT }, (_, i) => makeTile(i));
document.querySelector('#tiles').append(...tiles);

function makeTile(i) {
  const hour = i / (COUNT - 1);
  const tile = document.createElement('div');
  tile.className = 'tile';
  tile.style.left = `${122 + (i % COLUMNS) * 212}px`;
  tile.style.top = `${234 + Math.floor(i / COLUMNS) * 126}px`;
  tile.innerHTML = `
    <div class="view" style="background: linear-gradient(${skyTop(hour)}, ${skyBottom(hour)} 78%)">
      <div class="sun" style="left: ${14 + 72 * hour}%; top: ${74 - 52 * Math.sin(hour * Math.PI)}%"></div>
      <svg viewBox="0 0 192 108" fill="${hills(hour)}">
        <path opacity="0.55" d="M0 82C26 64 52 78 84 72S148 54 192 70V108H0Z"/>
        <path d="M0 93C34 80 70 98 110 88S172 80 192 86V108H0Z"/>
      </svg>
    </div>`;
  return tile;
}

/** How far a tile lies from the first one, in tiles. */
const distance = (i) => Math.hypot(i % COLUMNS, Math.floor(i / COLUMNS));

/** The transform that makes a tile fill the frame. */
const full = (i, zoom = 1) => ({
  x: 960 - (tiles[i].offsetLeft + 96),
  y: 540 - (tiles[i].offsetTop + 54),
  scale: 10 * zoom,
  borderRadius: 0,
});
const inCell = { x: 0, y: 0, scale: 1, borderRadius: 10 };
const toCentre = { x: (i) => full(i).x, y: (i) => full(i).y };

// Every tween says where it starts (fromTo) and no two overlap on one property, so each frame
// looks the same whether it is reached by playing or by seeking.
gsap.config({ force3D: false });
gsap.set(tiles[0], { zIndex: 2 });

const views = tiles.map((tile) => tile.querySelector('.view'));
const tl = gsap.timeline({ paused: true, defaults: { duration: 1 } });

// One long day.
tl.fromTo(tiles[0], full(0, 1.12), { ...full(0), duration: 0.9, ease: 'none' }, 0)
  .fromTo('#long h2', { yPercent: 0 }, { yPercent: 130, duration: 0.5, ease: 'power3.in' }, 0.65)
  .fromTo(tiles[0], full(0), { ...inCell, ease: 'expo.inOut', immediateRender: false }, 0.9);

// Cut into forty.
tl.fromTo(
  tiles.slice(1),
  { scale: 0, opacity: 0 },
  { scale: 1, opacity: 1, ease: 'back.out(1.4)', stagger: (i) => 0.05 * distance(i + 1), duration: 0.6 },
  1.2,
)
  .fromTo('#many h2', { yPercent: 130 }, { yPercent: 0, ease: 'expo.out' }, 1.5)
  .fromTo('#progress', { autoAlpha: 0, y: 30 }, { autoAlpha: 1, y: 0, ease: 'expo.out' }, 1.6);

// All at once: each worker has its own pace, and the same one in every run.
views.slice(1).forEach((view, i) => {
  const pace = (i * 0.618034) % 1;
  tl.fromTo(
    view,
    { clipPath: 'inset(0% 100% 0% 0%)' },
    { clipPath: 'inset(0% 0% 0% 0%)', ease: 'power2.inOut', duration: 0.6 + 0.8 * pace },
    2.2 + 0.25 * pace,
  );
});

const done = { frames: 0 };
tl.fromTo('#bar', { scaleX: 0 }, { scaleX: 1, ease: 'power2.inOut', duration: 1.65 }, 2.2).fromTo(
  done,
  { frames: 0 },
  { frames: FRAMES, ease: 'power2.inOut', duration: 1.65, onUpdate: showFrames },
  2.2,
);

// One video.
const later = { immediateRender: false };
tl.fromTo('#many h2', { yPercent: 0 }, { yPercent: -130, duration: 0.4, ease: 'power3.in', ...later }, 3.85)
  .fromTo('#progress', { autoAlpha: 1 }, { autoAlpha: 0, duration: 0.3, ...later }, 3.85)
  .set(tiles[0], { zIndex: 0 }, 3.85)
  .set(tiles[NOON], { zIndex: 2 }, 3.85)
  .fromTo(tiles, { x: 0, y: 0 }, { ...toCentre, ease: 'expo.inOut', duration: 0.75, ...later }, 3.85)
  .fromTo(
    tiles[NOON],
    { scale: 1, borderRadius: 10 },
    { scale: full(NOON).scale, borderRadius: 0, ease: 'expo.inOut', duration: 1.1, ...later },
    4.2,
  )
  .fromTo('#one h2', { yPercent: 130 }, { yPercent: 0, ease: 'expo.out' }, 4.8)
  .fromTo('#one h2', { scale: 1 }, { scale: 1.03, duration: 1.1, ease: 'none' }, 4.9);

function showFrames() {
  document.querySelector('#frames').textContent =
    `${Math.round(done.frames).toLocaleString('en')} of 5,400 frames`;
  document.querySelector('#seconds').textContent = `${Math.round((done.frames / FRAMES) * 100)} %`;
}
showFrames();

// The renderer moves the playhead, in seconds. To watch it in a browser, open index.html#play.
window.__helios_gsap_timeline__ = tl;
if (location.hash === '#play') tl.play();
