import { Helios } from '@helios-project/core';

const LEAVE = 0.4; // s, as in style.css
const TRAVEL = 4.8;
const LIGHT_TIME = 499; // s from the Sun to the Earth

const captions = `
1
00:00:00,000 --> 00:00:01,900
Light leaves the surface of the Sun.

2
00:00:02,000 --> 00:00:03,900
It passes Mercury, then Venus,

3
00:00:04,000 --> 00:00:06,000
and minutes later, it is your morning.
`;

const helios = new Helios({
  width: 1920,
  height: 1080,
  fps: 30,
  duration: 6,
  captions,
  schema: {
    title: { type: 'string', default: 'Sunlight takes its time', maxLength: 32, label: 'Title' },
    accent: { type: 'color', default: '#ffae3d', label: 'Colour of the sun' },
  },
  inputProps: window.__HELIOS_PROPS__ ?? {},
  autoSyncAnimations: true, // the CSS animations follow Helios
});

const title = document.querySelector('#title');
const clock = document.querySelector('#clock');
const caption = document.querySelector('#caption');
const clamp = (x) => Math.min(1, Math.max(0, x));

helios.subscribe(({ currentTime, inputProps, activeCaptions }) => {
  title.textContent = inputProps.title;
  document.documentElement.style.setProperty('--accent', inputProps.accent);

  const seconds = Math.round(LIGHT_TIME * clamp((currentTime - LEAVE) / TRAVEL));
  clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;

  caption.replaceChildren(...activeCaptions.flatMap((cue) => words(cue, currentTime * 1000)));
});

/** The words of a cue: each comes up in its turn, spread over the first half of the cue. */
function words({ text, startTime, endTime }, now) {
  const list = text.split(/\s+/);
  const leaving = clamp((endTime - now) / 150);
  return list.map((word, i) => {
    const turn = startTime - 180 + ((endTime - startTime) * 0.5 * i) / list.length;
    const shown = 1 - (1 - clamp((now - turn) / 420)) ** 3;
    const span = document.createElement('span');
    span.textContent = word;
    span.style.opacity = 0.22 + 0.78 * shown;
    span.style.translate = `0 ${14 * (1 - shown)}px`;
    if (endTime < helios.duration.value * 1000) span.style.opacity *= leaving;
    return span;
  });
}

helios.bindToDocumentTimeline();
window.helios = helios;
