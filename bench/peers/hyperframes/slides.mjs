import { gsap } from 'gsap';
import * as look from './look.mjs';
import { showLook } from './stage.mjs';

// As a timeline, which lets it reuse the pictures of frames in which nothing happens. Times as in the page's style.
showLook(document.getElementById('stage'), {
  ...look,
  style: look.style.replace(/animation: show[^;]*;/, ''),
});
const seconds = Number(document.getElementById('root').dataset.duration);
const timeline = gsap.timeline({ paused: true });
for (const [second, slide] of document.querySelectorAll('.slide').entries()) {
  if (second >= seconds) break;
  timeline.set(slide, { visibility: 'visible' }, Math.max(0, second - 0.5 / 30));
  if (second + 1 < seconds) timeline.set(slide, { visibility: 'hidden' }, second + 1 - 0.5 / 30);
}
timeline.set({}, {}, seconds);
window.__timelines = { main: timeline };
